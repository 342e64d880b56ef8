"""The engine: puts the parts together, owns every task, and ends only when nobody is left on the line."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import structlog

from campaigns.explain import Explainer
from campaigns.models import CampaignState
from dialer import metrics
from dialer.ami.client import AmiSecrets, NodeClient
from dialer.call import Call
from dialer.config import Config
from dialer.engine.answers import Answers
from dialer.engine.book import Book
from dialer.engine.books import Books
from dialer.engine.control import Control, describe
from dialer.engine.counsel import Client, Counsel, Rules
from dialer.engine.dialling import Dialling
from dialer.engine.diary import store
from dialer.engine.directory import Directory
from dialer.engine.ending import Ending
from dialer.engine.filler import Filler
from dialer.engine.floor import Floor
from dialer.engine.inbound import Inbound
from dialer.engine.keeper import Bookkeeper, Keeper, Part
from dialer.engine.lanes import Lanes
from dialer.engine.nodes import NodeEnd
from dialer.engine.permits import Permits
from dialer.engine.plane import Plane
from dialer.engine.reconcile import Reconciler
from dialer.engine.recorder import Recorder
from dialer.engine.refusals import Refusals
from dialer.engine.restoring import Restorer
from dialer.engine.status import StatusReport
from dialer.engine.switchboard import Switchboard
from dialer.engine.timers import Timers
from dialer.events import Event
from dialer.queues.agents import AgentBoard
from dialer.queues.beat import EngineBeat
from dialer.queues.bus import CommandBus
from dialer.queues.hopper import Hopper
from dialer.queues.ledger import Ledger
from dialer.queues.outcomes import OutcomeStream
from dialer.routing import Agent, WrapEnded
from dialer.types import Clock, DialerError, InboundRecord, Unavailable

log = structlog.get_logger("dialer.engine")

PUBLISH_S = 0.25
REFRESH_S = 2.0
RENEW_S = 30.0
AUDIT_S = 60.0
DIARY_S = 5.0
REFUSALS_S = 1.0
REVIEW_S = 60.0
LEARN_S = 900.0
MAX_ASKING = 100
MENU_DISPOSITIONS = {"callback": "callback", "optout": "opt_out"}
"""What a key of the abandoned-call menu means to the books."""


class Engine:
    """One engine process: the calls of all running campaigns on all nodes."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        *,
        books: Books,
        hopper: Hopper,
        stream: OutcomeStream,
        board: AgentBoard,
        beat: EngineBeat,
        commands: CommandBus,
        ledger: Ledger,
        rules: Rules,
        secrets: Mapping[str, AmiSecrets],
        rng: random.Random,
    ) -> None:
        self.config = config
        self.clock = clock
        self._books = books
        self._hopper = hopper
        self._board = board
        self.beat = beat
        self._commands = commands
        self._rules = rules
        self._ledger = ledger
        self.parts: dict[str, Part] = {name: Part(name) for name in ("redis", "database", "recordings", "ledger")}
        self.counsel = Counsel(lambda: rules.library, ledger, self.parts["ledger"], config.dialing.longest_s)
        self.refusals = Refusals(books.record_decisions)
        self.restorer = Restorer(clock, ledger, books, self.parts["ledger"], self.counsel)
        self.campaigns = Lanes(config, clock, books)
        self.lanes = self.campaigns.open
        self.real_nodes: set[str] = set()
        self.permits = Permits(clock, books, rules, self.counsel, lanes=self.lanes.values, real_nodes=self.real_nodes)
        self.directory = Directory(books.caller)
        self._incarnations: dict[str, str] = {}
        self.board_before: Mapping[str, Mapping[str, Any]] = {}
        self.unseen = {node.name for node in config.nodes}
        self._asking = asyncio.Semaphore(MAX_ASKING)
        self._tasks: asyncio.TaskGroup | None = None
        self._timers = Timers(clock)
        self.links: dict[str, NodeClient] = {}
        self._build(stream, secrets, rng)

    def _build(self, stream: OutcomeStream, secrets: Mapping[str, AmiSecrets], rng: random.Random) -> None:
        config, clock = self.config, self.clock
        self.plane = Plane(config, clock, self.links)
        self.floor = Floor(clock, self._timers, self.plane, self._wrap_ended)
        self.keeper = Keeper(stream, self._hopper, self.counsel, self.parts["redis"])
        self.book = Book(clock, self._timers, self.floor, self.plane, self.keeper)
        self.book.watchers.append(self._watch)
        self.recorder = Recorder(config, clock, self._books, self.parts["recordings"])
        self.inbound = Inbound(
            clock, self.floor, self.plane, find=self.directory.caller, ask=self._ask, save=self.keeper.save
        )
        self.switchboard = Switchboard(self.book, self.floor, self.plane, self.inbound)
        journal = self._books.journal
        self.bookkeeper = Bookkeeper(
            stream, journal.apply, journal.apply_inbound, self.parts["database"], self.parts["redis"]
        )
        self.filler = Filler(
            config,
            clock,
            hopper=self._hopper,
            lists=self._books,
            lanes=self.lanes.values,
            parts=self.parts,
            counsel=self.counsel,
            account_for=self.restorer.account_for,
            at_work=self.floor.at_work,
        )
        self.dialling = Dialling(
            config,
            clock,
            lanes=self.lanes,
            book=self.book,
            floor=self.floor,
            plane=self.plane,
            keeper=self.keeper,
            hopper=self._hopper,
            journal=journal,
            counsel=self.counsel,
            parts=self.parts,
            incarnation=self._incarnations.__getitem__,
        )
        self.reconciler = Reconciler(
            config,
            clock,
            book=self.book,
            floor=self.floor,
            open_attempts=journal.open_attempts,
            known=self.directory.attempt,
            rules=self.dialling.rules,
        )
        self.report = StatusReport(self)
        self.ending = Ending(self)
        self.control = Control(
            config,
            clock,
            book=self.book,
            books=self._books,
            floor=self.floor,
            plane=self.plane,
            filler=self.filler,
            lanes=lambda: list(self.lanes.values()),
            refresh=self.refresh,
            status=self.report.status,
            answers=Answers(clock, self._hopper, self._explainer),
        )
        for node in config.nodes:
            end = NodeEnd(node.name, self)
            self.links[node.name] = NodeClient(node, config.ami, secrets[node.name], clock=clock, handler=end, rng=rng)
        self._wire()

    def _explainer(self) -> Explainer:
        return self._books.explainer(self._rules.library, self._ledger, self.config.dialing.longest_s)

    def _wire(self) -> None:
        self.plane.on_written = self.dialling.written
        self.plane.on_not_placed = self.dialling.not_placed
        self.plane.on_join_failed = self.switchboard.join_failed
        self.plane.on_leg_failed = self.floor.leg_ended
        self.dialling.on_decision = self.refusals.keep
        self.dialling.on_refused = lambda lane, lead, refused: self.filler.put_off(lead, refused)
        self.bookkeeper.on_stored = self.book.stored
        self.bookkeeper.on_inbound = self.counsel.heard
        self.keeper.on_recording = lambda call, size: self.recorder.keep(call.record.node, call.call_id, size)
        self.inbound.on_recorded = self.recorder.keep
        self.recorder.on_stored = lambda call_id, path: self._annotate(call_id, recording=path)
        self.recorder.on_missing = self._recording_missing
        self.switchboard.on_menu = self._menu

    async def run(self, stop: asyncio.Event, force: asyncio.Event) -> None:
        """Serve until `stop`, then let calls end; `force` cuts what is not a conversation.

        Raises Unavailable when the database or Redis is away at the start, LoginRefused when a secret is wrong.
        """
        await self.bookkeeper.drain()
        # Before anything is published: what the last engine said of its agents is theirs to get back.
        self.board_before = await self._board.read()
        self.recorder.check_disk()
        self.parts["ledger"].failed("the counters of past calls have not been looked at yet")
        await self.refresh()
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            running = [tasks.create_task(task) for task in self._loops()]
            links = [tasks.create_task(link.run()) for link in self.links.values()]
            log.info("engine started", nodes=list(self.links), campaigns=[lane.name for lane in self.lanes.values()])
            await stop.wait()
            await self.ending.drain(force)
            for link in self.links.values():
                link.close()
            await asyncio.wait(links)
            for task in running:
                task.cancel()
        self._timers.close()
        await self.ending.last_words()

    def _loops(self) -> list[Any]:
        return [
            self.keeper.run(),
            self.bookkeeper.run(),
            self.filler.run(),
            self.dialling.run(),
            self.recorder.run(),
            self._commands.serve(self.control.follow),
            self.beat.run(self.report.status),
            self._every(PUBLISH_S, self.publish),
            self._every(REFRESH_S, self._look_after),
            self._every(REFRESH_S, self._mind_the_law),
            self._every(min(RENEW_S, self.config.dialing.lease_s / 4) / self.clock.speed, self._renew),
            self._every(AUDIT_S, self._audit),  # of lost events, which know no business time
            self._every(AUDIT_S / self.clock.speed, self.campaigns.count),
            self._every(LEARN_S / self.clock.speed, self.campaigns.learn),
            self._every(DIARY_S, self.keep_diaries),
            self._every(REFUSALS_S, self.refusals.flush),
            self._every(REVIEW_S / self.clock.speed, lambda: self._books.review_promises(self.clock.now())),
        ]

    async def refresh(self) -> None:
        """Read campaigns and agents anew: started, paused and stopped ones, new people."""
        self.directory.campaigns = await self.campaigns.refresh()
        self.counsel.clients = {
            campaign_id: Client(running.config, running.started_at)
            for campaign_id, running in self.directory.campaigns.items()
        }
        await self.permits.look()
        known = self.floor.agents
        for agent in await self._books.agents(self.config.agents.wrap_up_s):
            if agent.name not in known:
                self.floor.seat(agent)

    def incarnation(self, node: str, incarnation: str) -> None:
        """Note which Asterisk answers on a node."""
        self._incarnations[node] = incarnation

    async def open_inbound(self, node: str) -> list[InboundRecord]:
        """Return the inbound calls of a node whose end nobody has told."""
        return await self._books.open_inbound(node)

    def alive(self, call_id: str) -> bool:
        """Say whether a call's recording may still grow."""
        return call_id in self.book or self.inbound.has(call_id)

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except DialerError as exc:
                # Calls are up: one duty that cannot be done now must not end the others.
                level = logging.DEBUG if isinstance(exc, Unavailable) else logging.ERROR
                log.log(level, "put off", work=getattr(work, "__name__", ""), detail=str(exc))
            await asyncio.sleep(seconds)

    async def publish(self) -> None:
        """Put what changed on the agents' board; what Redis does not take now is put there later."""
        kept = self._kept_on_board()
        names, self.floor.changed = self.floor.changed - kept, self.floor.changed & kept
        try:
            await self._board.publish({name: describe(self.floor.agents[name]) for name in names})
        except Unavailable as exc:
            self.floor.changed |= names
            self.parts["redis"].failed(str(exc))
        except asyncio.CancelledError:
            self.floor.changed |= names  # the last words say it again
            raise

    def _kept_on_board(self) -> set[str]:
        """Return the agents of nodes not seen yet: dying now, the next engine must find what the last one said."""
        return {
            name
            for name, said in self.board_before.items()
            if said.get("node") in self.unseen and (agent := self.floor.agents.get(name)) and not agent.node
        }

    async def keep_diaries(self, *, all_of_it: bool = False) -> None:
        """Store the minutes of pacing that are over; what the database does not take now is stored later."""
        diaries = [lane.diary for lane in self.lanes.values()]
        await store(diaries, self._books.keep_decisions, all_of_it=all_of_it)

    async def _look_after(self) -> None:
        """Small duties: disk, campaigns whose last call ended, state changes made in the database."""
        had_room = self.parts["recordings"].ok
        self.recorder.check_disk()
        if self.parts["recordings"].ok and not had_room:
            self._sweep()
        await self._look_at_database()
        busy = {call.record.campaign for call in self.book.calls()}
        for name in {lane.name for lane in self.lanes.values() if self._stopping(lane.name)} - busy:
            await self._hopper.clear(name)
            if not self._stopping(name):
                continue  # started again meanwhile
            await self._books.set_state(name, CampaignState.STOPPED, self.clock.now())

    async def _mind_the_law(self) -> None:
        """Take over changed rules, and bring the ledger up to date."""
        self._rules.look_again()
        await self.restorer.look_after()

    async def _look_at_database(self) -> None:
        """Read what changed there; after a failure a write has to succeed first."""
        database = self.parts["database"]
        try:
            if not database.ok:
                await self._books.check()
                database.works()
            await self.refresh()
        except Unavailable as exc:
            database.failed(str(exc))
            raise

    def _sweep(self) -> None:
        """Wrap what was left behind: by a crash, a full queue, a full disk."""
        for name, link in self.links.items():
            if link.up:  # before its reconciliation a living conversation would not be known as such
                self.recorder.sweep(name, self.alive)

    def _stopping(self, campaign: str) -> bool:
        return any(lane.name == campaign and lane.state == CampaignState.STOPPING for lane in self.lanes.values())

    async def _renew(self) -> None:
        self._sweep()
        until = self.clock.now() + timedelta(seconds=self.config.dialing.lease_s)
        await self._hopper.renew([call.call_id for call in self.book.calls()], until)

    async def _audit(self) -> None:
        for name, link in self.links.items():
            if link.up:
                try:
                    await self.reconciler.audit(name, link, self._incarnations[name])
                except Unavailable as exc:  # one node's trouble must not keep the others from being looked at
                    log.warning("not audited", node=name, detail=str(exc))

    def _ask(self, work: Awaitable[None]) -> None:
        if self._tasks is not None:
            self._tasks.create_task(self._asked(work))

    async def _asked(self, work: Awaitable[None]) -> None:
        async with self._asking:
            try:
                async with asyncio.timeout(self.config.database.timeout_s):
                    await work
            except (TimeoutError, Unavailable) as exc:
                log.warning("not answered", detail=str(exc) or "timeout")

    def _watch(self, before: Call, after: Call, event: Event) -> None:
        lane = self.lanes.get((after.record.campaign_id, after.record.node))
        if lane is not None and after.stage is not before.stage:
            lane.watch(before, after, event)

    def _wrap_ended(self, agent: Agent, ended: WrapEnded, at: Any) -> None:
        self._annotate(ended.call_id, wrap_ended_at=at)
        for lane in self.lanes.values():
            if lane.name == agent.campaign and lane.node == agent.node:
                lane.wrap_ended(at, ended.wrap_s, ended.talked_s)

    def _annotate(self, call_id: str, **facts: Any) -> None:
        self.book.annotate(call_id, **facts)

    def _recording_missing(self, call_id: str, flag: str) -> None:
        record = self.book.remembered(call_id)
        if record is not None:
            self.book.annotate(call_id, flags=record.flagged(flag).flags)

    def _menu(self, call_id: str, choice: str) -> None:
        metrics.MENU.labels(choice if choice in MENU_DISPOSITIONS else "none").inc()
        if (disposition := MENU_DISPOSITIONS.get(choice)) is not None:
            log.info("menu", call_id=call_id, choice=choice)
            self._annotate(call_id, disposition=disposition)
