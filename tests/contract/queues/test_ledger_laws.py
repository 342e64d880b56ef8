"""Whatever happens in whatever order, the ledger says what a plain list of events would say."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from campaigns.compliance import Happening, Kind, Limit, Tally
from dialer.queues import EmbeddedRedis, connect
from dialer.queues.ledger import LEDGER_UNKNOWN, Ledger, Over, Reserved

from .conftest import NOON

KEYS = ("phone:+1", "phone:+2", "person:1", "debt:1", "debt:2")
CALLS = tuple(f"t{n}" for n in range(9))

calls = st.sampled_from(CALLS)
kinds = st.sampled_from(Kind)
keys = st.lists(st.sampled_from(KEYS), min_size=1, max_size=4, unique=True)
windows = st.lists(
    st.tuples(kinds, st.sampled_from(KEYS), st.integers(0, 30 * 86400 * 10**6), st.integers(0, 3)), max_size=6
)
events = st.lists(st.tuples(kinds, st.sampled_from(KEYS), st.integers(0, 20)), max_size=3)


class Books:
    """The oracle: counters as dictionaries, searched from end to end."""

    def __init__(self) -> None:
        self.happened: dict[tuple[Kind, str], dict[str, Happening]] = {}
        self.reserved: dict[str, Sequence[str]] = {}
        self.ready = False

    def write(self, happening: Happening) -> None:
        self.happened.setdefault((happening.kind, happening.key), {})[happening.call_id] = happening

    def tally(self, limit: Limit) -> Tally:
        there = self.happened.get((limit.kind, limit.key), {}).values()
        inside = sorted(happening.at for happening in there if happening.at >= limit.since)
        place = len(inside) - limit.most
        return Tally(limit, len(inside), inside[place] if 0 <= place < len(inside) else None)

    def counts_already(self, call_id: str, key: str) -> bool:
        return call_id in self.happened.get((Kind.ATTEMPT, key), {})

    def settle(self, call_id: str, *, released: bool) -> None:
        for key in self.reserved.pop(call_id, ()) if released else ():
            self.happened[Kind.ATTEMPT, key].pop(call_id, None)
        self.reserved.pop(call_id, None)


class Machine(RuleBasedStateMachine):
    """Random histories of calls, told to the ledger and to the oracle."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.link = self.loop.run(connect(self.url, 5.0))
        self.loop.run(self.link.call("FLUSHALL"))
        self.ledger = Ledger(self.link)
        self.books = Books()
        self.now = NOON
        self.rebuild()

    def teardown(self) -> None:
        self.loop.run(self.link.close())
        self.loop.close()

    @rule(seconds=st.integers(0, 2 * 86400))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(call_id=calls, keys=keys, windows=windows)
    def a_call_asks_for_room(self, call_id: str, keys: list[str], windows: list[tuple[Kind, str, int, int]]) -> None:
        limits = self._limits(windows)
        answer = self.loop.run(self.ledger.reserve(call_id, self.now, keys, limits))
        if not self.books.ready:
            assert answer == LEDGER_UNKNOWN
        elif self.books.counts_already(call_id, keys[0]):
            assert isinstance(answer, Reserved)
        else:
            self._asked_first(call_id, keys, limits, answer)

    def _asked_first(self, call_id: str, keys: list[str], limits: list[Limit], answer: object) -> None:
        tallies = tuple(self.books.tally(limit) for limit in limits)
        full = tuple(tally for tally in tallies if tally.full)
        assert answer == (Over(full, tallies) if full else Reserved(tallies))
        if not full:
            self.books.reserved[call_id] = keys
            for key in keys:
                self.books.write(Happening(Kind.ATTEMPT, key, self.now, call_id))

    @rule(call_id=calls, events=events, released=st.booleans(), twice=st.booleans())
    def a_call_ends(self, call_id: str, events: list[tuple[Kind, str, int]], *, released: bool, twice: bool) -> None:
        happenings = [self._happening(call_id, *event) for event in events]
        for _ in range(1 + twice):
            self.loop.run(self.ledger.settle(call_id, happenings, released=released))
        self.books.settle(call_id, released=released)
        self._wrote(happenings)

    @rule(call_id=calls, events=events, bulk=st.booleans())
    def something_else_happened(self, call_id: str, events: list[tuple[Kind, str, int]], *, bulk: bool) -> None:
        happenings = [self._happening(call_id, *event) for event in events]
        self.loop.run(self._written(happenings, bulk=bulk))
        self._wrote(happenings)

    @rule(windows=windows)
    def somebody_counts(self, windows: list[tuple[Kind, str, int, int]]) -> None:
        limits = self._limits(windows)
        assert self.loop.run(self.ledger.count(limits)) == [self.books.tally(limit) for limit in limits]

    @rule()
    def rebuild(self) -> None:
        generation = self.loop.run(self.ledger.begin_rebuild())
        assert self.loop.run(self.ledger.mark_ready(generation))
        self.books.ready = True

    @rule()
    def a_rebuild_begins(self) -> None:
        self.loop.run(self.ledger.begin_rebuild())
        self.books.ready = False

    @rule()
    def redis_is_replaced(self) -> None:
        self.loop.run(self.link.call("FLUSHALL"))
        self.books = Books()

    async def _written(self, happenings: list[Happening], *, bulk: bool) -> None:
        if bulk:
            await self.ledger.load(happenings)
        else:
            await self.ledger.note(happenings)

    def _wrote(self, happenings: list[Happening]) -> None:
        for happening in happenings:
            self.books.write(happening)

    def _happening(self, call_id: str, kind: Kind, key: str, days_ago: int) -> Happening:
        return Happening(kind, key, self.now - timedelta(days=days_ago), call_id)

    def _limits(self, windows: list[tuple[Kind, str, int, int]]) -> list[Limit]:
        return [
            Limit("house", kind, key, self.now - timedelta(microseconds=micros), most, "rolling")
            for kind, key, micros, most in windows
        ]


def test_the_ledger_agrees_with_a_plain_list_of_events(redis_server: EmbeddedRedis) -> None:
    class OnThisRedis(Machine):
        url = redis_server.url

    run_state_machine_as_test(OnThisRedis, settings=settings(max_examples=60, stateful_step_count=30, deadline=None))
