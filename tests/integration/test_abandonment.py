"""Answered, and nobody there: the message within two seconds, the keys the debtor presses, and how it is counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.centre import Centre, centre
from tests.lab.processes import eventually
from tests.lab.sounds import PROMPT_HZ, RATE_HZ, loudness, stereo
from tests.lab.witness import Row, numbers

pytestmark = [pytest.mark.asterisk, pytest.mark.timeout(120)]

RING_S = 4.0
"""Long enough to send the agent away between dialling and answer."""

CONNECT_S = 2.0
EARLY, CALLBACK, OPT_OUT, SILENT = 203, 204, 205, 206
ENDINGS = (EARLY, CALLBACK, OPT_OUT, SILENT)
PHONES = dict(zip(ENDINGS, numbers(40, ENDINGS), strict=True))
CROWD = numbers(41, [300] * 3)
MANY_LINES = {"mode": "ratio", "lines_per_agent": 10, "max_lines_per_agent": 20}


@dataclass(frozen=True, slots=True)
class Rain:
    """Four debtors whose agent went away while they rang, and three for one agent; `heard` is what a debtor heard."""

    at: Centre
    calls: dict[int, Row]
    crowd: list[Row]
    heard: Path

    def delay_s(self, digits: int) -> float:
        """Return the seconds from the answer to the message, by Asterisk's own log."""
        moments = {line[0]: float(line[1]) for line in self.at.traces(self.calls[digits]["call_id"])}
        return moments["USER_DEFINED"] - moments["ANSWER"]


@pytest.fixture(scope="module")
def at(lab_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    work = tmp_path_factory.mktemp("abandonment")
    tables = {"agents": {"wrap_up_s": 0.3}}
    with centre(lab_root, work, softphones=4, ring_s=RING_S, command="run", tables=tables) as at:
        yield at


@pytest.fixture(scope="module")
def rain(at: Centre) -> Rain:
    at.campaign([(f"d{tail}", PHONES[tail], "alta") for tail in ENDINGS], name="lluvia", pacing=MANY_LINES)
    crowded = {**MANY_LINES, "lines_per_agent": len(CROWD)}
    at.campaign([(f"c{n}", phone, "alta") for n, phone in enumerate(CROWD)], name="gentio", pacing=crowded)
    for place, (name, campaign) in enumerate((("ana", "lluvia"), ("bea", "gentio"))):
        at.hire(name, place)
        at.seat(name, campaign)
    at.witness.hears("dialled", campaign="lluvia", count=len(ENDINGS))
    at.witness.order("agent.pause", agent="ana", reason="se fue")
    heard = at.listen(at.witness.hears("answered", phone=PHONES[SILENT])["call_id"])
    at.witness.agent("bea", "talking")
    calls = {row["phone"]: row for row in at.witness.ended("lluvia", len(ENDINGS))}
    at.witness.ended("gentio", len(CROWD) - 1)
    at.witness.order("agent.hangup", agent="bea")
    crowd = at.witness.ended("gentio", len(CROWD))
    return Rain(at, {tail: calls[PHONES[tail]] for tail in ENDINGS}, crowd, heard)


def second_of(hz: int, heard: Path) -> float:
    """Return when a tone is first heard in a recording, in seconds."""
    right, step = stereo(heard)[1], RATE_HZ // 20
    starts = range(0, len(right) - step, step)
    return next(start for start in starts if loudness(right[start : start + step], hz) > 1000) / RATE_HZ


class TestMessage:
    @pytest.mark.parametrize("digits", [CALLBACK, OPT_OUT, SILENT])
    def test_it_begins_two_seconds_after_the_answer(self, rain: Rain, digits: int) -> None:
        assert CONNECT_S - 0.1 < rain.delay_s(digits) < CONNECT_S + 0.5

    def test_the_debtor_hears_the_message_and_then_the_menu(self, rain: Rain) -> None:
        message, menu = (second_of(PROMPT_HZ[prompt], rain.heard) for prompt in ("abandon", "menu"))
        assert message < menu

    @pytest.mark.parametrize("digits", [CALLBACK, OPT_OUT, SILENT])
    def test_it_is_abandoned_and_no_agent_is_named(self, rain: Rain, digits: int) -> None:
        call = rain.calls[digits]
        assert (call["outcome"], call["agent"], call["bridged_at"]) == ("abandoned", None, None)

    def test_who_hangs_up_within_two_seconds_is_not_abandoned(self, rain: Rain) -> None:
        assert rain.calls[EARLY]["outcome"] == "early_hangup"

    def test_the_dialer_hangs_up_at_the_end(self, rain: Rain) -> None:
        ends = [call.what for call in rain.at.carrier.calls() if call.number == PHONES[SILENT]]
        assert ends == ["INVITE", "ANSWERED", "BYED"]

    def test_more_lines_than_agents_leave_somebody_without(self, rain: Rain) -> None:
        assert sorted(row["outcome"] for row in rain.crowd) == ["abandoned", "abandoned", "answered"]


class TestMenu:
    @pytest.mark.parametrize(("digits", "choice"), [(CALLBACK, "callback"), (OPT_OUT, "optout")])
    def test_the_key_reaches_the_engine(self, rain: Rain, digits: int, choice: str) -> None:
        assert rain.at.witness.said("menu", call_id=rain.calls[digits]["call_id"], choice=choice)

    @pytest.mark.parametrize(("digits", "disposition"), [(CALLBACK, "callback"), (OPT_OUT, "opt_out"), (SILENT, None)])
    def test_the_choice_is_kept(self, rain: Rain, digits: int, disposition: str | None) -> None:
        def kept() -> bool:
            return bool(rain.at.witness.attempt("lluvia", PHONES[digits])["disposition"] == disposition)

        eventually(kept, f"disposition {disposition}", 5)

    def test_who_asked_for_it_is_never_dialled_again(self, rain: Rain) -> None:
        at = rain.at
        leads = [(f"d{tail}", PHONES[tail], "alta") for tail in (OPT_OUT, SILENT)]
        at.campaign(leads, name="otra", max_tries_per_phone_per_day=9, pacing=MANY_LINES)
        at.hire("carla", 2)
        at.seat("carla", "otra")
        at.witness.agent("carla", "talking")
        at.witness.order("agent.hangup", agent="carla")
        at.witness.agent("carla", "ready", count=2)
        assert at.carrier.invites()[PHONES[SILENT]] == 2
        assert at.carrier.invites()[PHONES[OPT_OUT]] == 1
        assert [row["phone"] for row in at.witness.attempts("otra")] == [PHONES[SILENT]]


class TestCounting:
    def test_the_report_counts_live_answers_and_the_abandoned_among_them(self, rain: Rain) -> None:
        (row,) = rain.at.service.report("abandonment", "--campaign", "lluvia")
        assert (row["live_answers"], row["abandoned"], row["rate"]) == (4, 3, 0.75)

    def test_the_debtor_is_left_in_peace_for_three_days(self, rain: Rain) -> None:
        (lead,) = rain.at.witness.rows(
            "SELECT julianday(l.next_try_at) - julianday(a.ended_at) AS days FROM attempts a "
            "JOIN leads l ON l.id = a.lead_id WHERE a.call_id = ?",
            rain.calls[SILENT]["call_id"],
        )
        assert lead["days"] == pytest.approx(3, abs=0.001)


def test_a_debtor_who_answers_while_the_dialer_is_dead_hears_the_message_all_the_same(at: Centre) -> None:
    (phone,) = numbers(42, [SILENT])
    at.campaign([("huerfano", phone, "alta")], name="apagon")
    at.hire("dina", 3)
    at.seat("dina", "apagon")
    at.witness.hears("dialled", campaign="apagon")
    at.service.engine.kill()
    hung_up = ["INVITE", "ANSWERED", "BYED"]
    eventually(lambda: [c.what for c in at.carrier.calls() if c.number == phone] == hung_up, "the message ends", 25)
    at.service.start("run")
    (row,) = at.witness.ended("apagon", 1)
    assert row["outcome"] == "abandoned", row["flags"]
