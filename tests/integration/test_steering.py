"""A supervisor turns the pace while phones ring, and asks afterwards why the dialer did what it did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.centre import Centre, centre
from tests.lab.processes import eventually
from tests.lab.witness import numbers

pytestmark = [pytest.mark.asterisk, pytest.mark.timeout(120)]

RINGS = 180


@pytest.fixture(scope="module")
def at(lab_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    with centre(lab_root, tmp_path_factory.mktemp("steering"), softphones=2, talk_s=1.0) as at:
        yield at


def ringing(at: Centre, phones: list[str], count: int) -> None:
    """Wait until exactly so many of these phones were called."""
    eventually(lambda: sum(at.carrier.invites()[phone] for phone in phones) == count, f"{count} phones ring")


def test_a_knob_turned_while_phones_ring_is_in_force_at_once_and_explained(at: Centre) -> None:
    phones = numbers(60, [RINGS] * 8)
    at.campaign([(f"k{n}", phone, "alta") for n, phone in enumerate(phones)], name="perilla")
    for place in (0, 1):
        at.hire(f"agente{place}", place)
        at.seat(f"agente{place}", "perilla")
    ringing(at, phones, 2)
    shown = at.quick.json("campaign", "pacing", "perilla", "--mode", "ratio", "--knob", "lines_per_agent=3")
    assert (shown["pacing"]["mode"], shown["pacing"]["lines_per_agent"]) == ("ratio", 3.0)
    ringing(at, phones, 6)
    decisions = at.quick.json("campaign", "decisions", "perilla", "--last", "500")
    dialled = [row for row in decisions if row["dial"]]
    assert dialled[0]["mode"] == "progressive"
    assert (dialled[-1]["mode"], dialled[-1]["agents"]["ready"]) == ("ratio", 2)
    assert "more calls" in dialled[-1]["reason"]
    (then,) = at.quick.json("campaign", "decisions", "perilla", "--at", dialled[0]["at"])
    assert then == dialled[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pacing", "perilla", "--mode", "warp"), "mode"),
        (("pacing", "perilla", "--knob", "abandon_limit=0.2"), "abandon_limit"),
        (("pacing", "perilla", "--knob", "faster"), "KNOB=VALUE"),
        (("pacing", "nadie", "--mode", "ratio"), "unknown campaign"),
        (("decisions", "perilla", "--at", "ayer"), "zone"),
    ],
)
def test_a_slip_of_the_pen_changes_nothing_and_is_told(at: Centre, words: tuple[str, ...], said: str) -> None:
    done = at.quick.attempt("campaign", *words)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_the_books_explain_what_an_engine_that_is_gone_decided(at: Centre) -> None:
    at.witness.order("campaign.stop", campaign="perilla")
    at.service.engine.stop(timeout_s=40)
    rows = at.quick.json("campaign", "decisions", "perilla")
    assert rows
    assert {"at", "node", "reason", "agents", "calls", "budgets"} <= rows[-1].keys()
