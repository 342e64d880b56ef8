"""`dialer campaign`: what is dialled."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from campaigns.models import CampaignState
from campaigns.repository import Campaigns, Leads
from dialer.app.redis import open_redis
from dialer.app.store import open_store
from dialer.cli.door import Later, ask_engine, configuration, json_option, show, show_rows, wait_for
from dialer.config import CampaignConfig, Config, load_campaign
from dialer.queues.beat import EngineBeat
from dialer.queues.bus import CommandBus
from dialer.queues.connection import RedisLink
from dialer.types import ConfigError, DialerError, InputError, Unavailable

STATUS_S = 2.0


_LATER = {
    "decisions": "pacing:decisions",
    "dialable": "explain:dialable",
    "pacing": "pacing:pacing",
    "preflight": "explain:preflight",
    "segment": "segment:segment",
}


@click.group(cls=Later, later=_LATER)
def campaign() -> None:
    """Create campaigns, start, pause and stop them."""


@campaign.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@click.pass_context
def create(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Create a campaign from a TOML FILE.

    examples/campaign.toml in the repository explains every key.
    """
    config, loaded = configuration(ctx), load_campaign(file)
    _check_trunks(config, loaded, file)
    wait_for(_create(config, loaded, file.read_text(encoding="utf-8")))
    answer = {"campaign": loaded.name, "state": "created", "segments": [s.name for s in loaded.segments]}
    show(
        answer,
        as_json=as_json,
        sentence=f"campaign {loaded.name} created; next: dialer leads import {loaded.name} FILE",
    )


def _check_trunks(config: Config, loaded: CampaignConfig, file: Path) -> None:
    for name in loaded.trunks:
        try:
            config.trunk(name)
        except ConfigError as exc:
            raise ConfigError(f"{file}: trunks: {exc}; correct the name, or add the trunk to config.toml") from exc


async def _create(config: Config, loaded: CampaignConfig, definition: str) -> None:
    async with open_store(config) as store, store.transaction() as session:
        key = secrets.token_hex(8)
        await Campaigns(session).create(loaded, definition, key=key, now=config.clock().now())


@campaign.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List the campaigns."""
    rows = wait_for(_list(configuration(ctx)))
    if as_json:
        show(rows, as_json=True)
    else:
        show_rows(rows, ("campaign", "state", "created_at", "started_at"), "campaigns")


async def _list(config: Config) -> list[dict[str, Any]]:
    async with open_store(config) as store, store.snapshot() as session:
        return [
            {"campaign": c.name, "state": c.state, "created_at": c.created_at, "started_at": c.started_at}
            for c in await Campaigns(session).list()
        ]


@campaign.command()
@click.argument("name")
@json_option
@click.pass_context
def start(ctx: click.Context, name: str, as_json: bool) -> None:
    """Start or resume a campaign.

    The running engine dials as soon as an agent is ready.
    """
    config = configuration(ctx)
    if not wait_for(_has_leads(config, name)):
        raise InputError(f"campaign {name!r} has nobody to call; run: dialer leads import {name} FILE")
    # Imported here: a launch looks at all parts of an installation, and no other command of this group does.
    import_module("dialer.cli.explain").refuse_a_launch(config, name)
    _order(config, "campaign.start", name, CampaignState.RUNNING, as_json)


@campaign.command()
@click.argument("name")
@json_option
@click.pass_context
def pause(ctx: click.Context, name: str, as_json: bool) -> None:
    """Place no new calls, at once; calls in flight go on."""
    _order(configuration(ctx), "campaign.pause", name, CampaignState.PAUSED, as_json)


@campaign.command()
@click.argument("name")
@json_option
@click.pass_context
def stop(ctx: click.Context, name: str, as_json: bool) -> None:
    """End a campaign; conversations go on to their end.

    Rings are cancelled after the legal minimum.
    """
    _order(configuration(ctx), "campaign.stop", name, CampaignState.STOPPED, as_json)


async def _has_leads(config: Config, name: str) -> bool:
    async with open_store(config) as store, store.snapshot() as session:
        found = await Campaigns(session).get(name)
        return bool((await Leads(session).counts(found.id, config.clock().now())).leads)


def _order(config: Config, kind: str, name: str, state: CampaignState, as_json: bool) -> None:
    """Let the engine do it; without one the books say it, and the next engine follows them."""
    try:
        answer = ask_engine(config, kind, campaign=name)
        sentence = f"campaign {name}: {answer['state']}"
    except Unavailable as exc:
        if exc.error_id != "engine-away":
            raise
        wait_for(_set_state(config, name, state))
        answer = {"campaign": name, "state": state.value, "engine": False}
        sentence = f"campaign {name}: {state.value}; no engine is running: start it with 'dialer run'"
    show(answer, as_json=as_json, sentence=sentence)


async def _set_state(config: Config, name: str, state: CampaignState) -> None:
    async with open_store(config) as store, store.transaction() as session:
        if state is CampaignState.STOPPED:
            await Campaigns(session).set_state(name, CampaignState.STOPPING, config.clock().now())
        await Campaigns(session).set_state(name, state, config.clock().now())


@campaign.command()
@click.argument("name", metavar="[CAMPAIGN]", default="")
@json_option
@click.pass_context
def status(ctx: click.Context, name: str, as_json: bool) -> None:
    """Show how far a campaign is, and why it does not dial.

    Without a name it is the only campaign there is, or the only one that is started. Parts that do not work are
    listed as degraded, with the remedy.
    """
    config = configuration(ctx)
    name = name or wait_for(_only(config))
    answer = wait_for(_status(config, name))
    if as_json:
        show(answer, as_json=True)
        return
    rows = [{"what": key, "value": _plain(value)} for key, value in answer.items()]
    show_rows(rows, ("what", "value"), f"campaign {name}")


async def _only(config: Config) -> str:
    """Return the campaign meant by none; raises InputError naming those there are."""
    async with open_store(config) as store, store.snapshot() as session:
        every = await Campaigns(session).list()
    over = {CampaignState.CREATED, CampaignState.STOPPED}
    for names in ([each.name for each in every], [each.name for each in every if each.state not in over]):
        if len(names) == 1:
            return names[0]
    raise InputError(f"name the campaign; there are: {', '.join(each.name for each in every) or 'none'}")


async def _status(config: Config, name: str) -> dict[str, Any]:
    beat, away = await _beat_or_why(config)
    lane = (beat or {}).get("campaigns", {}).get(name, {})
    degraded = {part: why for part, why in (beat or {}).get("parts", {}).items() if why}
    if away is not None:
        degraded["redis"] = away
    try:
        books = await _books(config, name)
    except Unavailable as exc:
        if not lane:
            raise
        books, degraded["database"] = {"state": lane["state"]}, str(exc)
    return {
        "campaign": name,
        **books,
        "engine": beat is not None,
        "not_dialling_because": away or _why_not(name, books["state"], beat),
        "pacing": lane.get("pacing"),
        "refused": lane.get("refused", {}),
        "calls": lane.get("calls", {}),
        "agents": lane.get("agents", {}),
        "hours": lane.get("hours", {}),
        "abandonment": lane.get("abandonment", {}),
        "degraded": degraded,
        "nodes": (beat or {}).get("nodes", {}),
    }


async def _books(config: Config, name: str) -> dict[str, Any]:
    """Return what the database says of a campaign."""
    async with open_store(config) as store, store.snapshot() as session:
        found = await Campaigns(session).get(name)
        counts = await Leads(session).counts(found.id, config.clock().now())
    return {
        "state": found.state,
        "leads": dict(counts.leads),
        "due": counts.due,
        "open_attempts": counts.open_attempts,
        "outcomes": dict(counts.outcomes),
    }


def _why_not(name: str, state: str, beat: Mapping[str, Any] | None) -> str | None:
    if beat is None:
        return "no engine is running"
    if name not in beat["campaigns"]:
        waiting = "the engine has not seen it yet" if state == CampaignState.RUNNING else f"campaign is {state}"
        return str(beat["unserved"].get(name, waiting))
    lane = beat["campaigns"][name]
    if lane["gate"] is not None:
        return str(lane["gate"])
    if not set(lane["agents"]) - {"logged_out", "calling"}:
        return "no agent is logged in"
    if lane["waiting_leads"] or lane["calls"]:
        return None
    refused = ", ".join(f"{rule} {times}" for rule, times in lane["refused"].items())
    return "nobody may be called now" + (f"; refused so far: {refused}" if refused else "")


async def _beat_or_why(config: Config) -> tuple[dict[str, Any] | None, str | None]:
    """Return the engine's sign of life (None when there is none), and why nobody could look for it."""
    try:
        async with open_redis(config) as redis:
            beat = await EngineBeat(redis).read()
            return (None if beat is None else await _now(redis, beat)), None
    except Unavailable as exc:
        return None, None if exc.error_id == "engine-away" else str(exc)


async def _now(redis: RedisLink, beat: dict[str, Any]) -> dict[str, Any]:
    """Return the engine's status of this moment; a beat is up to a second old, and good enough if it is busy."""
    try:
        return await CommandBus(redis).request("engine.status", {}, STATUS_S)
    except DialerError:
        return beat


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(item)}" for key, item in value.items() if item is not None) or "-"
    return "-" if value is None else str(value)
