"""`dialer leads why` and `decisions`, `dialer campaign dialable` and `preflight`: who is called, and why not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any

import click

from campaigns.audit import Audit
from campaigns.explain import Explainer
from campaigns.explanations import Dialable, Explanation
from campaigns.finding import find
from campaigns.models import CampaignState
from campaigns.repository import Campaigns
from campaigns.standing import standing
from dialer.app.profiles import open_library
from dialer.app.redis import open_redis
from dialer.app.store import open_store
from dialer.cli.door import EXIT_FAILED, configuration, json_option, show, show_rows, wait_for
from dialer.config import Config, parse_campaign
from dialer.doctor.preflight import Preflight, node_facts
from dialer.doctor.preflight import preflight as look
from dialer.queues.ledger import Ledger
from dialer.store import Store
from dialer.types import InputError, Refused, Unavailable
from dialer.validation import moment

at_option = click.option("--at", default=None, help="Another moment with its zone, such as 2026-06-02T15:04:05-03:00.")

SAID = {
    "lead_closed": "the case is closed in this campaign",
    "opted_out": "the debtor asked for no more calls",
    "suppressed": "calls are suppressed",
    "import_not_published": "the list it came with is not published",
    "promise": "a promise to pay is running",
    "no_phone": "no number is left to call",
    "phone_retired": "the number is retired",
    "in_call": "the debtor is in a call",
    "outside_window": "it is outside the permitted hours",
    "holiday": "it is a holiday where the debtor lives",
    "unknown_zone": "nobody knows the debtor's time zone",
    "unknown_profile": "no profile of rules is known for the place",
    "ledger_unknown": "the counters of past calls are not complete",
    "third_party": "it is not the debtor",
    "workplace": "the number is a workplace",
    "not_due": "its next try comes later",
    "no_history": "the calls made before are not loaded",
    "unapproved_profile": "nobody has approved the rules",
    "demo_profile": "the demo profile is for a simulated Asterisk",
    "campaign_state": "the campaign is not running",
}
"""Rules in words; those of profiles speak for themselves."""


@click.command(short_help="Say why a debtor is called or not.")
@click.argument("name", metavar="CAMPAIGN")
@click.argument("who", metavar="PHONE|ID")
@at_option
@json_option
@click.pass_context
def why(ctx: click.Context, name: str, who: str, at: str | None, as_json: bool) -> None:
    """Say why a debtor is called or not, now or at another moment (por que no se llama).

    PHONE as typed in the campaign's country, or ID: the debtor's id or document. The first reason comes first, then
    all others, the counters, and the next moment the debtor may be called.
    """
    config = configuration(ctx)
    explained = wait_for(_why(config, name, who, None if at is None else moment(at)))
    if as_json:
        plain = [each.plain() for each in explained]
        show(plain[0] if len(plain) == 1 else plain, as_json=True)
        return
    for each in explained:
        _tell(each)


def _tell(explained: Explanation) -> None:
    click.echo(sentence(explained))
    rows = [{"rule": r.rule, "why": r.detail, "until": _moment(r.until)} for r in explained.answer.refusals]
    if rows:
        show_rows(rows, ("rule", "why", "until"), "refused by")
    judged = explained.plain()
    counters = [{**c, "count": f"{c['count']} of {c['most']}"} for c in judged["counters"]]
    if counters:
        show_rows(counters, ("rule", "kind", "key", "count", "period", "since"), "counters")
    profiles = ", ".join(f"{name} {version}" for name, version, _ in judged["profiles"]) or "none"
    click.echo(f"zones: {', '.join(judged['zones']) or 'unknown'}; profiles: {profiles}")
    for note in explained.notes:
        click.echo(note)


def sentence(explained: Explanation) -> str:
    """Return the answer in one sentence."""
    who = f"{explained.debtor} ({explained.phone or 'no number'}) of segment {explained.segment}"
    first, until = explained.answer.first, explained.answer.until
    if first is None:
        return f"{who} may be called at {_moment(explained.at)}."
    because = SAID.get(first.rule, f"rule {first.rule} refuses")
    more = len(explained.answer.refusals) - 1
    others = f", and {more} more {'reason' if more == 1 else 'reasons'}" if more else ""
    if until is not None and until > explained.at:
        when = f" It may be called from {_moment(until)}."
    else:
        when = "" if until is not None else " No moment is known from which it may be called."
    return f"{who} is not called: {because} ({first.detail}){others}.{when}"


@click.command(short_help="Show the decisions to call a debtor or not.")
@click.argument("name", metavar="CAMPAIGN")
@click.argument("who", metavar="PHONE|ID")
@click.option("--last", default=20, show_default=True, help="At most so many, the newest.")
@json_option
@click.pass_context
def decisions(ctx: click.Context, name: str, who: str, last: int, as_json: bool) -> None:
    """Show the decisions to call a debtor or not, as they were made: rules, zones, counters of that moment."""
    rows = wait_for(_decisions(configuration(ctx), name, who, last))
    if as_json:
        show(rows, as_json=True)
    else:
        show_rows([_decision(row) for row in rows], ("at", "phone", "verdict", "zones", "profiles", "counters", "call"))


@click.command(short_help="Count who may be called now, and why not the others.")
@click.argument("name", metavar="CAMPAIGN")
@at_option
@json_option
@click.pass_context
def dialable(ctx: click.Context, name: str, at: str | None, as_json: bool) -> None:
    """Count who may be called now, and under which rule the others are refused.

    Every lead is counted once, under the first rule that refuses it.
    """
    counted = wait_for(_dialable(configuration(ctx), name, None if at is None else moment(at)))
    if as_json:
        show(counted.plain(), as_json=True)
        return
    _tell_count(counted)


def _tell_count(counted: Dialable) -> None:
    click.echo(f"{counted.now} of {counted.leads} leads of {counted.campaign} may be called at {_moment(counted.at)}.")
    rows = [{"rule": rule, "leads": count, "why": _inside(counted, rule)} for rule, count in counted.refused.items()]
    if rows:
        show_rows(rows, ("rule", "leads", "why"), "refused by their first rule")
    if counted.next_moments:
        told = "; ".join(f"{count} from {_moment(at)}" for at, count in counted.next_moments[:5])
        click.echo(f"next: {told}")
    for obstacle in counted.obstacles:
        click.echo(f"the whole campaign waits: {SAID.get(obstacle.rule, obstacle.rule)} ({obstacle.detail})")
    click.echo(f"counted in {counted.took_s:.1f} s")


def _inside(counted: Dialable, rule: str) -> str:
    inside = ", ".join(f"{why} {count}" for why, count in counted.reasons.get(rule, {}).items())
    return inside or SAID.get(rule, "")


@click.command()
@click.argument("name", metavar="CAMPAIGN")
@json_option
@click.pass_context
def preflight(ctx: click.Context, name: str, as_json: bool) -> None:
    """Say whether a campaign can be launched, and if not, what to do. Changes nothing; status 1 when it cannot."""
    found = wait_for(_preflight(configuration(ctx), name))
    if as_json:
        show(found.plain(), as_json=True)
    else:
        rows = [{"": f.level.value, "rule": f.rule, "found": f.detail, "remedy": f.remedy} for f in found.findings]
        if rows:
            show_rows(rows, ("", "rule", "found", "remedy"), f"preflight of {name}")
        click.echo(f"campaign {name} {'may be launched' if found.good else 'cannot be launched'}")
    if not found.good:
        raise SystemExit(EXIT_FAILED)


def refuse_a_launch(config: Config, name: str) -> None:
    """Raise InputError with every reason when the campaign may not be launched; warnings do not stop it."""
    found = wait_for(_preflight(config, name))
    if not found.good:
        reasons = "; ".join(f"{f.detail} ({f.remedy})" for f in found.findings if f.level.value == "refused")
        raise InputError(f"campaign {name!r} cannot be launched: {reasons}", error_id="preflight")


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(sep=" ", timespec="minutes")


def _decision(row: Mapping[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = row["facts"]
    profiles = facts.get("profiles", [])
    counters = [f"{c[0]} {c[3]}/{c[4]}" for c in facts.get("counters", []) if isinstance(c, list)]
    return {
        "at": _moment(row["at"]),
        "phone": row["phone"],
        "verdict": row["verdict"],
        "zones": " ".join(facts.get("zones") or [facts.get("time_zone", "")]),
        "profiles": " ".join(f"{p[0]} {p[1]}" for p in profiles),
        "counters": ", ".join(counters),
        "call": row["call_id"],
    }


@asynccontextmanager
async def _explainer(config: Config, store: Store) -> AsyncIterator[tuple[Explainer, bool, list[Refused]]]:
    """Yield who explains, whether the ledger counts, and what stops all calls because of it."""
    library, ring_s = open_library(config), config.dialing.longest_s
    async with AsyncExitStack() as held:
        ledger: Ledger | None = None
        ready = False
        try:
            ledger = Ledger(await held.enter_async_context(open_redis(config)))
            ready = await ledger.is_ready()
        except Unavailable:
            ledger = None  # nobody dials without it: the books count instead
        unknown = ledger is not None and not ready
        more = [Refused("ledger_unknown", "the engine reads them from the books first")] if unknown else []
        yield Explainer(store, library, ring_s=ring_s, ledger=ledger), ready, more


async def obstacles_of(config: Config, store: Store, name: str, now: datetime) -> list[Refused]:
    """Return what holds up the whole campaign: its state, its history, its rules."""
    async with store.snapshot() as session:
        row = await Campaigns(session).get(name)
    found = [] if row.state == CampaignState.RUNNING else [Refused("campaign_state", f"campaign is {row.state}")]
    campaign = parse_campaign(row.definition, f"campaign {name}")
    real: Sequence[str] = []
    if campaign.profile:
        nodes = await node_facts(config, campaign)
        real = [node.name for node in nodes.values() if not node.simulated and not node.away]
    async with store.snapshot() as session:
        return [*found, *await standing(session, row, open_library(config), now, real_nodes=real)]


async def _why(config: Config, name: str, who: str, at: datetime | None) -> list[Explanation]:
    now = config.clock().now()
    async with open_store(config) as store, _explainer(config, store) as (explainer, ready, more):
        obstacles = [*more, *await obstacles_of(config, store, name, now)]
        return await explainer.why(name, who, at or now, obstacles=obstacles, by_ledger=ready and at is None)


async def _dialable(config: Config, name: str, at: datetime | None) -> Dialable:
    now = config.clock().now()
    async with open_store(config) as store, _explainer(config, store) as (explainer, ready, more):
        obstacles = [*more, *await obstacles_of(config, store, name, now)]
        return await explainer.dialable(name, at or now, obstacles=obstacles, by_ledger=ready and at is None)


async def _decisions(config: Config, name: str, who: str, last: int) -> list[dict[str, Any]]:
    async with open_store(config) as store:
        async with store.snapshot() as session:
            campaign = await Campaigns(session).get(name)
            country = parse_campaign(campaign.definition, f"campaign {name}").country
            found = await find(session, who, country)
        if not found.debtor_ids:
            raise InputError(f"campaign {name!r} has nobody under {who!r}")
        audit = Audit(store)
        rows = [row for debtor in found.debtor_ids for row in await audit.of_debtor(debtor, campaign.id, last=last)]
    of_phone = [row for row in rows if found.phone in (None, row["phone"])]
    return sorted(of_phone, key=lambda row: (row["at"], row["id"]), reverse=True)[:last]


async def _preflight(config: Config, name: str) -> Preflight:
    async with open_store(config) as store:
        return await look(config, store, name, config.clock().now())
