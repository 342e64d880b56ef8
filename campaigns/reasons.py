"""Why a lead is not called, in the order in which the dialer asks; the first that refuses is the reason. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from campaigns.cases import Case
from campaigns.compliance import (
    Judgement,
    Library,
    Position,
    Tally,
    Terms,
    debt_key,
    limits,
    zone_of,
)
from campaigns.compliance.limits import Limit
from campaigns.models import LeadState
from campaigns.standpoint import judged, subject_of
from campaigns.stops import RULE as SUPPRESSED
from campaigns.stops import Stop, held_back
from campaigns.suppression import OPTED_OUT
from dialer.types import Refused

NOT_DUE = "not_due"
_CLOSED = "lead_closed"
_NOT_PUBLISHED = "import_not_published"


@dataclass(frozen=True, slots=True)
class Answer:
    """What refuses a call now, first things first; `until` is the first moment nothing known refuses any more.

    `until` is None while something refuses without an end, and the moment asked for when nothing does.
    """

    refusals: tuple[Refused, ...]
    until: datetime | None
    judgement: Judgement

    @property
    def first(self) -> Refused | None:
        """The reason."""
        return self.refusals[0] if self.refusals else None


def of_state(state: str, reason: str, *, published: bool = True) -> Refused | None:
    """Return why a lead in this state is not called at all, or None."""
    match state:
        case LeadState.DONE:
            return Refused(_CLOSED, f"done: {reason}")
        case LeadState.SUPPRESSED:
            return Refused(OPTED_OUT if reason == OPTED_OUT else SUPPRESSED, reason)
        case LeadState.STAGED if not published:
            return Refused(_NOT_PUBLISHED, "its import is not published yet; let it finish, or run it again")
    return None


class Question:
    """One lead at one moment: first what needs no counting, then `answer` with the counts of `limits`."""

    def __init__(
        self, case: Case, terms: Terms, library: Library, now: datetime, *, ring_s: float, country: str
    ) -> None:
        """`ring_s` is the longest a phone can ring; `country` the campaign's, for debtors without an address."""
        self.case = case
        self._terms = terms
        self._now = now
        self._ring_s = ring_s
        self._subject = subject_of(case, country)
        self.position: Position | Refused = (
            library.position(self._subject, terms, now) if case.phone else Refused("no_phone", "no number is in use")
        )
        self.before = tuple(self._before())

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What must be counted; empty where the rules are not known."""
        if isinstance(self.position, Refused):
            return ()
        position = self.position
        return limits(
            position.rulebook, self._subject, position.zones, self._now, campaign_started_at=self._terms.started_at
        )

    @property
    def asks_for_debts(self) -> bool:
        """Whether the answer depends on how long the debts are overdue."""
        return not isinstance(self.position, Refused) and self.position.rulebook.facts.min_days_overdue > 0

    @property
    def counts(self) -> frozenset[str]:
        """Which outcomes are attempts here."""
        return frozenset() if isinstance(self.position, Refused) else self.position.rulebook.facts.attempt_counts

    def judged(self, tallies: Sequence[Tally] | None = ()) -> Judgement:
        """Return what the rules say with these counts."""
        return judged(
            self.position,
            self._subject,
            self._now,
            self._ring_s,
            tallies,
            campaign_started_at=self._terms.started_at,
        )

    def answer(self, tallies: Sequence[Tally] | None = (), judgement: Judgement | None = None) -> Answer:
        """Return the whole answer; None says that the counts are not known, and so refuses.

        A `judgement` that is known already is not made again.
        """
        judgement = judgement or self.judged(tallies)
        rules = judgement.refusals if self.case.phone else ()
        refusals = (*self.before, *rules, *self._after())
        return Answer(refusals, self._until(refusals), judgement)

    def _before(self) -> Iterator[Refused]:
        case = self.case
        held = self._held()
        state = of_state(case.state, case.reason, published=case.published)
        if state is not None and (held is None or state.rule != SUPPRESSED):
            yield state
        if case.opted_out_at is not None and case.state != LeadState.SUPPRESSED:
            yield Refused(OPTED_OUT, f"the debtor asked for it on {case.opted_out_at:%Y-%m-%d}")
        if held is not None:
            yield held
        if (promise := self._promise()) is not None:
            yield promise
        if not case.phone:
            yield Refused("no_phone", "no number of the debtor is in use")
        elif case.phone_retired:
            yield Refused("phone_retired", f"{case.phone} is retired: {case.phone_retired}")
        if case.in_call:
            yield Refused("in_call", f"the debtor is in a call of campaign {case.in_call}")

    def _after(self) -> Iterator[Refused]:
        case = self.case
        if case.next_try_at > self._now and case.state in (LeadState.OPEN, LeadState.STAGED):
            what = f"callback at {case.callback_at.isoformat()}; " if case.callback_at else ""
            detail = f"{what}after {case.tries} tries it rests until {case.next_try_at.isoformat()}"
            yield Refused(NOT_DUE, detail, case.next_try_at)

    def _held(self) -> Refused | None:
        lists = frozenset() if isinstance(self.position, Refused) else self.position.rulebook.facts.dnc
        return held_back(self.case.stops, self.case.callee, lists) if self.case.stops else None

    def _promise(self) -> Refused | None:
        """Return the promise to pay that lets nothing to talk about, alone or beside disputed debts."""
        case, debts = self.case, self.case.callee.accounts
        if not case.promised or not debts:
            return None
        zones = (case.time_zone,) if isinstance(self.position, Refused) else self.position.zones
        ends = {debt: _midnight_after(due_on, zones) for debt, due_on in case.promised.items()}
        waiting = {
            debt_key(debt): [Stop(debt_key(debt), "promise", end)] for debt, end in ends.items() if end > self._now
        }
        both = {key: [*case.stops.get(key, ()), *waiting.get(key, ())] for key in map(debt_key, debts)}
        if not waiting or not all(both.values()):
            return None
        first = min(end for end in ends.values() if end > self._now)
        said = ", ".join(f"debt:{debt} on {case.promised[debt]}" for debt in sorted(ends) if debt in debts)
        return Refused("promise", f"a promise to pay falls due: {said}", first)

    def _until(self, refusals: Sequence[Refused]) -> datetime | None:
        if not refusals:
            return self._now
        known = [refused.until for refused in refusals if refused.until is not None]
        if len(known) < len(refusals) or isinstance(self.position, Refused):
            return None
        needed = self.position.rulebook.needed_s(self._ring_s)
        return self.position.timetable.next_opening(self.position.zones, max(known), needed)


def _midnight_after(day: date, zones: Sequence[str]) -> datetime:
    """Return the moment at which a day is over wherever the debtor may be."""
    ends = [datetime.combine(day + timedelta(days=1), time(), tzinfo=zone_of(zone) or UTC) for zone in zones]
    return max((end.astimezone(UTC) for end in ends), default=datetime.combine(day, time(), tzinfo=UTC))


def answered_with(answer: Answer, obstacles: Sequence[Refused]) -> Answer:
    """Return the answer with what holds up the whole campaign behind what holds up the lead."""
    return replace(answer, refusals=tuple(dict.fromkeys((*answer.refusals, *obstacles))))
