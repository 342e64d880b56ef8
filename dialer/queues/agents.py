"""The agent board: what each agent is doing, for the status command and for an engine that comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dialer.queues.connection import TAG, Command, RedisLink

_BOARD = f"{TAG}:agents"


class AgentBoard:
    """Agent name -> state as JSON (state, since, call_id, campaign, node, leg id, reason), kept across restarts."""

    def __init__(self, redis: RedisLink) -> None:
        """Use this Redis."""
        self._redis = redis

    async def publish(self, states: Mapping[str, Mapping[str, Any] | None]) -> None:
        """Write the agents named, all or none; None takes an agent off the board. Others stay as they are."""
        set_ = [part for name, state in states.items() if state is not None for part in (name, json.dumps(dict(state)))]
        gone = [name for name, state in states.items() if state is None]
        commands: list[Command] = []
        if set_:
            commands.append(("HSET", _BOARD, *set_))
        if gone:
            commands.append(("HDEL", _BOARD, *gone))
        if commands:
            await self._redis.together(commands)

    async def read(self) -> dict[str, dict[str, Any]]:
        """Return every agent on the board, by name."""
        board: dict[str, str] = await self._redis.call("HGETALL", _BOARD)
        return {name: json.loads(board[name]) for name in sorted(board)}
