"""A manager session for one question of the examination, closed whatever happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from dialer.ami.session import Session, connect, tls_context
from dialer.ami.wire import Message
from dialer.config import NodeConfig

ADMIN: Final = "dialer-adm"
EVENTS: Final = "dialer-ev"
ACTIONS: Final = "dialer-act"

ANSWER_S: Final = 5.0
"""Deadline of connecting and of one answer."""


@asynccontextmanager
async def logged_in(
    node: NodeConfig,
    user: str,
    secret: str,
    *,
    events: frozenset[str] = frozenset(),
    hear: Callable[[Message], None] = lambda message: None,
) -> AsyncIterator[Session]:
    """Hold a login; `hear` gets the events of these names. Errors as for `Session.login` and `connect`."""
    session = Session(node.name, user, events, hear)
    tls = tls_context(node.tls_ca) if node.tls else None
    try:
        await connect(session, node.host, node.port, tls, ANSWER_S)
        await session.login(user, secret, events=bool(events), clear=node.tls)
        yield session
    finally:
        session.drop("the examination is over")
