"""Redis: the hopper with its leases, the agent board, requests to the engine, outcomes on their way to SQL."""

from dialer.queues.agents import AgentBoard
from dialer.queues.beat import EngineBeat
from dialer.queues.bus import CommandBus
from dialer.queues.connection import RedisLink, connect
from dialer.queues.embedded import EmbeddedRedis, ensure
from dialer.queues.hopper import Hopper, SegmentShare, Standing
from dialer.queues.ledger import Ledger, Over, Reserved
from dialer.queues.outcomes import Backlog, OutcomeStream

__all__ = [
    "AgentBoard",
    "Backlog",
    "CommandBus",
    "EmbeddedRedis",
    "EngineBeat",
    "Hopper",
    "Ledger",
    "OutcomeStream",
    "Over",
    "RedisLink",
    "Reserved",
    "SegmentShare",
    "Standing",
    "connect",
    "ensure",
]
