"""Reports tell what the attempts came to, in rows that add up."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

from campaigns.reports import (
    ATTEMPT_COLUMNS,
    REPORTS,
    Format,
    ReportRow,
    abandonment,
    agents,
    attempts,
    outcomes,
    render,
)
from dialer.store import Store
from dialer.types import Outcome, QueuedLead
from tests.books import NOW, TODAY, Desk, OnSqlite


async def report(store: Store, name: str, campaign: str | None = None) -> list[ReportRow]:
    async with store.snapshot() as session:
        return await REPORTS[name][0](session, campaign)


async def leads(desk: Desk, *names: str) -> list[QueuedLead]:
    for name in names:
        await desk.list_debtor(name, f"+57300{name}")
    return sorted(await desk.due(), key=lambda lead: lead.debtor)


class ReportsContract:
    async def test_attempts_have_the_columns_promised(self, store: Store) -> None:
        desk = await Desk.opened(store)
        (ana,) = await leads(desk, "ana")
        await desk.call(ana, Outcome.BUSY, cause=17, tech_cause="486")
        (row,) = await report(store, "attempts")
        assert tuple(row) == ATTEMPT_COLUMNS
        assert (row["call_id"], row["try"], row["outcome"], row["tech_cause"]) == (ana.call_id, 1, "busy", "486")

    async def test_outcomes_add_up_open_attempts_included(self, store: Store) -> None:
        desk = await Desk.opened(store)
        ana, bea, carla, dora = await leads(desk, "ana", "bea", "carla", "dora")
        for lead in (ana, bea):
            await desk.call(lead, Outcome.NO_ANSWER)
        await desk.call(carla, Outcome.ANSWERED)
        await desk.book(dora)
        assert [(row["outcome"], row["attempts"], row["share"]) for row in await report(store, "outcomes")] == [
            ("no_answer", 2, 0.5),
            ("(open)", 1, 0.25),
            ("answered", 1, 0.25),
        ]

    async def test_abandonment_counts_live_answers_only(self, store: Store) -> None:
        desk = await Desk.opened(store)
        found = await leads(desk, "ana", "bea", "carla", "dora", "eva", "fe")
        for lead, outcome in zip(found, ("answered", "abandoned", "early_hangup", "busy", "machine"), strict=False):
            await desk.call(lead, Outcome(outcome))
        await desk.call(found[5], Outcome.DROPPED, answered_at=NOW)
        assert await report(store, "abandonment") == [
            {"campaign": "spring", "day": TODAY, "live_answers": 4, "abandoned": 1, "rate": 0.25}
        ]

    async def test_an_answer_joined_too_late_is_abandoned(self, store: Store) -> None:
        desk = await Desk.opened(store)
        (ana,) = await leads(desk, "ana")
        await desk.call(ana, Outcome.ANSWERED, flags=("late_join",))
        assert (await report(store, "abandonment"))[0]["abandoned"] == 1

    async def test_agents_are_paid_by_the_second(self, store: Store) -> None:
        desk = await Desk.opened(store)
        ana, bea = await leads(desk, "ana", "bea")
        for lead, disposition in ((ana, "promise"), (bea, None)):
            await desk.call(
                lead,
                Outcome.ANSWERED,
                agent="rosa",
                bridged_at=NOW + timedelta(seconds=10.5),
                wrap_ended_at=NOW + timedelta(seconds=75),
                disposition=disposition,
            )
        assert await report(store, "agents") == [
            {"agent": "rosa", "conversations": 2, "talk_s": 99.0, "wrap_s": 30.0, "dispositions": {"promise": 1}}
        ]

    async def test_one_campaign_may_be_asked_alone(self, store: Store) -> None:
        spring, autumn = await Desk.opened(store), await Desk.opened(store, "autumn")
        (ana,) = await leads(spring, "ana")
        await spring.call(ana, Outcome.ANSWERED, agent="rosa", bridged_at=NOW)
        for name in REPORTS:
            assert await report(store, name, "autumn") == []
            assert len(await report(store, name, spring.campaign.name)) == 1
        assert autumn.campaign.name == "autumn"

    async def test_the_three_forms_say_the_same(self, store: Store) -> None:
        desk = await Desk.opened(store)
        (ana,) = await leads(desk, "ana")
        await desk.call(ana, Outcome.ANSWERED, agent="rosa", bridged_at=NOW, disposition="promise")
        for name, (_, columns) in REPORTS.items():
            rows = await report(store, name)
            (as_json,) = json.loads(render(rows, columns, "json"))
            (as_csv,) = csv.DictReader(io.StringIO(render(rows, columns, "csv")))
            assert tuple(as_json) == tuple(as_csv) == tuple(columns)
            assert "spring" in render(rows, columns, "table") or name == "agents"


class TestOnSqlite(OnSqlite, ReportsContract):
    pass


def test_a_report_without_rows_still_names_its_columns() -> None:
    shapes: tuple[tuple[Format, str], ...] = (("csv", "agent,talk_s\n"), ("json", "[]\n"))
    for fmt, expected in shapes:
        assert render([], ("agent", "talk_s"), fmt) == expected
    assert "talk_s" in render([], ("agent", "talk_s"), "table")


def test_every_report_is_known_by_its_name() -> None:
    assert {name: report for name, (report, _) in REPORTS.items()} == {
        "outcomes": outcomes,
        "agents": agents,
        "abandonment": abandonment,
        "attempts": attempts,
    }
