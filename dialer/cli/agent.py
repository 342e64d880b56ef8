"""`dialer agent`: who talks to debtors, and what they are doing."""

from __future__ import annotations

import re
from typing import Any

import click

from dialer.app.redis import open_redis
from dialer.cli.door import ask_engine, configuration, json_option, show, show_rows, wait_for
from dialer.config import Config
from dialer.queues.agents import AgentBoard
from dialer.types import InputError, Unavailable

LOGIN_MARGIN_S = 10.0
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
"""Asterisk gets the name as a variable, reports print it, and a shell reads it: no room for surprises."""

COLUMNS = ("agent", "extension", "state", "since", "reason", "campaign", "node", "call_id")


@click.group()
def agent() -> None:
    """Add agents, log them in and out, and act for them."""


@agent.command()
@click.argument("name")
@click.option("--extension", type=int, required=True, help="The agent's softphone.")
@click.option("--skill", "skills", multiple=True, metavar="SKILL=LEVEL", help="A skill, level 1 to 5; repeatable.")
@click.option("--language", "languages", multiple=True, type=click.Choice(["es", "en", "pt"]), help="Repeatable.")
@click.pass_context
def add(ctx: click.Context, name: str, extension: int, skills: tuple[str, ...], languages: tuple[str, ...]) -> None:
    """Add an agent."""
    config = configuration(ctx)
    first, last = config.agents.first_extension, config.agents.first_extension + config.agents.extensions - 1
    if not NAME.fullmatch(name):
        raise InputError(f"agent {name!r}: use 1 to 40 letters of a-z and A-Z, digits, '.', '-' and '_'")
    if not first <= extension <= last:
        raise InputError(f"extension {extension} has no softphone; config.toml gives {first} to {last} (agents)")
    wait_for(_add(config, name, extension, _levels(skills), languages or ("es",)))
    click.echo(f"agent {name} added with softphone {extension}")


async def _add(config: Config, name: str, extension: int, skills: dict[str, int], languages: tuple[str, ...]) -> None:
    # Here, not above: SQL costs a second of start-up, and an agent's orders do not need it.
    from campaigns.repository import Agents
    from dialer.app.store import open_store

    async with open_store(config) as store, store.transaction() as session:
        await Agents(session).add(name, extension, skills, languages)


def _levels(skills: tuple[str, ...]) -> dict[str, int]:
    levels: dict[str, int] = {}
    for text in skills:
        skill, _, level = text.partition("=")
        if not skill or level not in {"1", "2", "3", "4", "5"}:
            raise InputError(f"--skill {text!r}: write SKILL=LEVEL with a level from 1 to 5")
        levels[skill] = int(level)
    return levels


@agent.command()
@click.argument("name")
@click.option("--campaign", default="", help="Work on this campaign (needed when several are started).")
@click.option("--node", default="", help="On this Asterisk node (default: the campaign's).")
@click.option("--ready", is_flag=True, help="Take calls at once; otherwise the agent starts paused.")
@json_option
@click.pass_context
def login(ctx: click.Context, name: str, *, campaign: str, node: str, ready: bool, as_json: bool) -> None:
    """Call the agent's softphone and keep the line open for the shift."""
    config = configuration(ctx)
    timeout_s = config.agents.login_timeout_s + LOGIN_MARGIN_S
    answer = ask_engine(config, "agent.login", timeout_s, agent=name, campaign=campaign, node=node, ready=ready)
    _tell(answer, as_json)


@agent.command()
@click.argument("name")
@json_option
@click.pass_context
def ready(ctx: click.Context, name: str, as_json: bool) -> None:
    """Take calls from now on; ends wrap-up."""
    _tell(ask_engine(configuration(ctx), "agent.ready", agent=name), as_json)


@agent.command()
@click.argument("name")
@click.argument("reason")
@json_option
@click.pass_context
def pause(ctx: click.Context, name: str, reason: str, as_json: bool) -> None:
    """Take no calls, for this REASON; a conversation is finished first."""
    _tell(ask_engine(configuration(ctx), "agent.pause", agent=name, reason=reason), as_json)


@agent.command()
@click.argument("name")
@click.argument("code")
@click.option("--at", default="", metavar="TIME", help="callback: when, such as 2026-06-02T15:04:05-03:00.")
@click.option("--mine", is_flag=True, help="callback: promised by this agent; else anyone calls.")
@click.option("--note", default="", help="callback: for whoever calls.")
@click.option("--on", "day", default="", metavar="DATE", help="promise: the day of the payment, such as 2026-06-05.")
@click.option("--amount", default="", help="promise: how much, such as 1500.50 (default: the whole debt).")
@click.option("--debt", default="", metavar="ID", help="promise: which of several debts.")
@json_option
@click.pass_context
def dispose(ctx: click.Context, /, name: str, code: str, *, as_json: bool, **promised: str | bool) -> None:
    """Say with a CODE how the conversation ended; ends wrap-up.

    For example promise, refusal, wrong_party, callback or dispute.
    """
    told: dict[str, Any] = {key: value for key, value in promised.items() if value}
    _tell(ask_engine(configuration(ctx), "agent.dispose", agent=name, code=code, **told), as_json)


@agent.command()
@click.argument("name")
@json_option
@click.pass_context
def hangup(ctx: click.Context, name: str, as_json: bool) -> None:
    """End the conversation; wrap-up follows. Hanging up the softphone itself logs the agent out."""
    _tell(ask_engine(configuration(ctx), "agent.hangup", agent=name), as_json)


@agent.command()
@click.argument("name")
@json_option
@click.pass_context
def logout(ctx: click.Context, name: str, as_json: bool) -> None:
    """Leave; a conversation is finished first."""
    _tell(ask_engine(configuration(ctx), "agent.logout", agent=name), as_json)


@agent.command()
@json_option
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Show every agent and what they are doing."""
    rows = wait_for(_status(configuration(ctx)))
    if as_json:
        show(rows, as_json=True)
    else:
        show_rows(rows, COLUMNS, "agents")


async def _status(config: Config) -> list[dict[str, Any]]:
    from campaigns.repository import Agents
    from dialer.app.store import open_store

    async with open_store(config) as store, store.snapshot() as session:
        people = await Agents(session).list()
    try:
        async with open_redis(config) as redis:
            board = await AgentBoard(redis).read()
    except Unavailable as exc:
        if exc.error_id != "engine-away":
            raise
        board = {}
    unknown = {"state": "logged_out"}
    return [{"agent": p.name, "extension": str(p.extension), **board.get(p.name, unknown)} for p in people]


def _tell(answer: dict[str, Any], as_json: bool) -> None:
    reason = f" ({answer['reason']})" if answer.get("reason") else ""
    show(answer, as_json=as_json, sentence=f"{answer['agent']}: {answer['state']}{reason}")
