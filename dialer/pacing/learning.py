"""What a Pacer learns from facts and snapshots, whatever the mode: a switch to predictive starts warm."""

from __future__ import annotations

from collections import Counter, deque
from math import inf, isfinite

import numpy as np

from dialer.pacing.facts import Answered, Classified, Ended, Fact, TalkEnded, WrapEnded
from dialer.pacing.outlook import Outlook
from dialer.pacing.prior import Prior
from dialer.pacing.progress import Progress
from dialer.pacing.rate import AnswerRate
from dialer.pacing.release import Release
from dialer.pacing.snapshot import Floats, Snapshot, Stage, ages

REFRESH_S = 4.0
"""Tables are made anew that often; talks and calls by turns."""
NEAR_S = 5.0
"""The horizon of the decision to cancel."""
LONGEST_STEP_S = 5.0
"""A longer step between two snapshots is a gap or a jump of the clock: nothing is learned of it."""
VERDICT_LATE_S = 1.0
"""Answers are expected that much later than they come on average: a surge of calls must not look unanswered."""
RECENT = 4000
UNANSWERED = frozenset({"no_answer", "busy", "congestion", "invalid", "rejected", "failed", "refused", "unanswered"})
ANSWERED = frozenset({"machine", "fax", "screened", "early_hangup", "answered", "abandoned", "dropped"})


class Recent:
    """Remembers the latest facts, so that one told again after a reconnect counts once."""

    def __init__(self) -> None:
        self._order: deque[Fact] = deque()
        self._known: set[Fact] = set()
        self._newest = float("-inf")

    def is_new(self, fact: Fact) -> bool:
        """Return whether a fact is news. Equal facts of the newest moment are several calls, not one told twice."""
        if not isfinite(fact.at) or (fact.at < self._newest and fact in self._known):
            return False
        self._newest = max(self._newest, fact.at)
        if fact not in self._known:
            self._known.add(fact)
            self._order.append(fact)
        if len(self._order) > RECENT:
            self._known.discard(self._order.popleft())
        return True


class Learning:
    """Talks, wrap-ups, the way of calls and the answer rate, as far as they are known."""

    def __init__(self, prior: Prior) -> None:
        self._reference = prior.answer_rate
        self._weight = prior.answer_weight
        self.release = Release(prior.talk, (prior.short_wrap, prior.long_wrap))
        self.rate = AnswerRate(prior.answer_weight)
        self._progress = Progress(prior.progress)
        self.outlook = Outlook(self._progress.shape(), NEAR_S, inf)
        self._min_ring_s = inf
        self._deciding: Counter[float] = Counter()
        self._awaited: deque[tuple[float, float]] = deque()
        self._seen_at = self._calls_at = self._talks_at = float("nan")

    @property
    def known(self) -> float:
        """The live answers that the answer rate rests on, the prior's included."""
        return self.rate.seen + self._weight

    @property
    def answer_rate(self) -> float:
        """The probability of a live answer, for a call of unknown odds."""
        return min(self._reference * self.rate.factor, 0.97)

    def observe(self, fact: Fact) -> None:
        """Learn a fact; one that makes no sense teaches nothing."""
        match fact:
            case TalkEnded():
                self.release.talk_ended(fact)
            case WrapEnded():
                self.release.wrap_ended(fact)
            case Answered(dialled_at=dialled):
                if len(self._deciding) > RECENT:
                    self._deciding.clear()
                self._deciding[dialled] += 1
            case Classified():
                self._classified(fact)
            case Ended():
                self._ended(fact)
            case _:
                pass

    def watch(self, seen: Snapshot, waits_s: float, min_ring_s: float) -> None:
        """Count the calls of this moment as at risk since the moment before, and keep the tables fresh.

        A live answer `waits_s` for an agent: one who is free by then is free in time. A call that has rung
        `min_ring_s` may be cancelled.
        """
        step = seen.now - self._seen_at
        self._seen_at = seen.now
        if 0 < step <= LONGEST_STEP_S:
            calling = seen.call_stage < Stage.CLASSIFYING
            middle = ages(seen.now - step / 2, seen.call_dialled_at)[calling]
            self._progress.at_risk(middle, step)
            reference = self._told(seen.call_answer_odds)
            expected = self.outlook.expected(seen, self.odds(seen.call_answer_odds))
            self._awaited.append((seen.now, step * float(reference[calling] @ expected)))
            self.rate.passed(step, self._due(seen.now))
        self._refresh(seen, waits_s, min_ring_s)

    def odds(self, told: Floats) -> Floats:
        """Return each call's probability of a live answer: what the caller knows, corrected by what is seen."""
        return np.clip(self._told(told) * self.rate.factor, 1e-4, 0.97)

    def _due(self, now: float) -> float:
        """Return the answers expected that would be classified by now: no verdict is missed before it can be there."""
        due = 0.0
        while self._awaited and not 0 <= now - self._awaited[0][0] < self.outlook.verdict_s + VERDICT_LATE_S:
            due += self._awaited.popleft()[1]
        return due

    def _told(self, odds: Floats) -> Floats:
        known = (odds >= 0) & (odds <= 1)
        return np.where(known, odds, self._reference)

    def _refresh(self, seen: Snapshot, waits_s: float, min_ring_s: float) -> None:
        since_calls, since_talks = seen.now - self._calls_at, seen.now - self._talks_at
        if not 0 <= since_calls < REFRESH_S or min_ring_s != self._min_ring_s:
            self.outlook = Outlook(self._progress.shape(), NEAR_S, min_ring_s)
            self._calls_at, self._min_ring_s = seen.now, min_ring_s
        if not 0 <= since_talks < REFRESH_S:
            first = not isfinite(since_talks)
            self.release.refresh(seen, self.outlook.horizons_s + waits_s)
            self._talks_at = seen.now - (REFRESH_S / 2 if first else 0.0)

    def _classified(self, fact: Classified) -> None:
        age, took = fact.answered_at - fact.dialled_at, fact.at - fact.answered_at
        if fact.live:
            self.rate.answered()
            self._forget_deciding(fact.dialled_at)
        if isfinite(age) and isfinite(took) and age >= 0 and took >= 0:
            self._progress.answered(age, took, live=fact.live)

    def _ended(self, fact: Ended) -> None:
        deciding = self._deciding[fact.dialled_at] > 0
        if fact.outcome in ANSWERED or (deciding and fact.outcome not in UNANSWERED):
            self._forget_deciding(fact.dialled_at)
        elif isfinite(age := fact.at - fact.dialled_at) and age >= 0:
            self._progress.ended(age)

    def _forget_deciding(self, dialled_at: float) -> None:
        if self._deciding[dialled_at] > 1:
            self._deciding[dialled_at] -= 1
        else:
            del self._deciding[dialled_at]
