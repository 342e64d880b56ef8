"""Tries the two users that only one may hold, where no engine holds them: what they let in, send and hear."""

from __future__ import annotations

import asyncio

from dialer.ami.config import NodeSecrets
from dialer.ami.messages import WANTED_EVENTS
from dialer.ami.session import Session, SessionBusy
from dialer.ami.wire import Action, Message
from dialer.config import NodeConfig
from dialer.doctor.check import Check, Part
from dialer.doctor.line import ACTIONS, ANSWER_S, EVENTS, logged_in
from dialer.doctor.manager import PROBE, UNWANTED, LoginFacts, fence_check, filters_check, permissions_check


async def manager_checks(part: Part, node: NodeConfig, secrets: NodeSecrets, *, engine_runs: bool) -> list[Check]:
    """Try both users; raises LoginRefused when a secret is wrong."""
    checks = []
    try:
        async with logged_in(node, ACTIONS, secrets.actions) as orders:
            facts = LoginFacts(ACTIONS, held=False, second_refused=await _is_refused(node, ACTIONS, secrets.actions))
            checks.append(fence_check(part, facts, engine_runs=engine_runs))
            checks.append(permissions_check(part, "actions", ACTIONS, await _allowed(orders)))
            checks += await _events_checks(part, node, secrets, orders, engine_runs=engine_runs)
    except SessionBusy:
        checks.append(fence_check(part, LoginFacts(ACTIONS, held=True), engine_runs=engine_runs))
        told = "not tried while the actions user is held; manager.conf is compared instead"
        checks.append(part.skipped("event filters", told))
    return checks


async def _events_checks(
    part: Part, node: NodeConfig, secrets: NodeSecrets, orders: Session, *, engine_runs: bool
) -> list[Check]:
    seen: list[str] = []
    arrived = asyncio.Event()

    def hear(message: Message) -> None:
        seen.append(message.name)
        if message.get("UserEvent") == PROBE:
            arrived.set()

    wanted = frozenset((*WANTED_EVENTS, UNWANTED))
    try:
        async with logged_in(node, EVENTS, secrets.events, events=wanted, hear=hear):
            facts = LoginFacts(EVENTS, held=False, second_refused=await _is_refused(node, EVENTS, secrets.events))
            await _raise_events(orders, arrived)
    except SessionBusy:
        return [fence_check(part, LoginFacts(EVENTS, held=True), engine_runs=engine_runs)]
    return [fence_check(part, facts, engine_runs=engine_runs), filters_check(part, seen)]


async def _raise_events(orders: Session, arrived: asyncio.Event) -> None:
    """Raise the unwanted event, then the wanted one: when that is here, the other would have come before."""
    # A module of this name does not exist: nothing is reloaded, but Asterisk tells everybody that somebody tried.
    await orders.ask(Action(UNWANTED, (("Module", "dialer-doctor"),)), ANSWER_S)
    await orders.ask(Action("UserEvent", (("UserEvent", PROBE),)), ANSWER_S)
    try:
        async with asyncio.timeout(ANSWER_S):
            await arrived.wait()
    except TimeoutError:
        return  # told by what was seen


async def _is_refused(node: NodeConfig, user: str, secret: str) -> bool:
    try:
        async with logged_in(node, user, secret):
            return False
    except SessionBusy:
        return True


async def _allowed(session: Session) -> list[str]:
    answer = await session.ask(Action("ListCommands"), ANSWER_S)
    return [name for name, text in answer.message.headers().items() if "(Priv: " in text]
