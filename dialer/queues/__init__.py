"""Redis: the hopper with its leases, the agent board, requests to the engine, outcomes on their way to SQL.

The ledger is imported by its own name: with it come the rules, which an agent's order must not wait for.
"""

from dialer.queues.agents import AgentBoard
from dialer.queues.beat import EngineBeat
from dialer.queues.bus import CommandBus
from dialer.queues.connection import RedisLink, connect
from dialer.queues.embedded import EmbeddedRedis, ensure
from dialer.queues.hopper import Hopper, SegmentShare, Standing
from dialer.queues.outcomes import Backlog, OutcomeStream

__all__ = [
    "AgentBoard",
    "Backlog",
    "CommandBus",
    "EmbeddedRedis",
    "EngineBeat",
    "Hopper",
    "OutcomeStream",
    "RedisLink",
    "SegmentShare",
    "Standing",
    "connect",
    "ensure",
]
