"""`dialer simulate`: what would happen with other agents, another mode, another knob."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from typing import Any

import click

from campaigns.effective import effective
from campaigns.history import History, history
from campaigns.repository import Campaigns
from dialer.app.store import open_store
from dialer.cli.door import configuration, json_option, show, show_rows, wait_for
from dialer.cli.pacing import knob
from dialer.config import CampaignConfig, Config
from dialer.engine.lane import policy_of
from dialer.pacing import Prior
from dialer.whatif.past import PastWorld
from dialer.whatif.question import Answer, Figure, Question, answer

COLUMNS = ("figure", "as it is", "what if")
SHARES = ("utilisation", "abandonment")


@click.command()
@click.argument("name", metavar="CAMPAIGN")
@click.option("--agents", type=click.IntRange(1, 1000), required=True, help="Agents logged in all the time.")
@click.option("--mode", default=None, help="The mode to try. Left out: the campaign's.")
@click.option("--knob", "knobs", multiple=True, metavar="KNOB=VALUE", help="A knob of [pacing] to try; repeatable.")
@click.option("--hours", type=click.FloatRange(0.25, 12), default=2.0, show_default=True, help="For so long.")
@click.option("--from", "start", type=click.IntRange(0, 23), default=10, show_default=True, help="Hour of the day.")
@click.option("--seeds", type=click.IntRange(1, 50), default=5, show_default=True, help="Days to live through.")
@json_option
@click.pass_context
def simulate(
    ctx: click.Context,
    *,
    name: str,
    agents: int,
    mode: str | None,
    knobs: tuple[str, ...],
    hours: float,
    start: int,
    seeds: int,
    as_json: bool,
) -> None:
    """Ask what would be, before a live campaign is changed.

    The campaign's own past (answer rates by hour, talk and wrap-up times) is lived again with so many agents, as it
    is paced now and with the mode and knobs to try. Nothing is dialled and nothing is changed.
    """
    config = configuration(ctx)
    campaign, past = wait_for(_read(config, name))
    tried = campaign.tuned({**({"mode": mode} if mode else {}), **dict(map(knob, knobs))})
    world = PastWorld.of(past, start)
    prior = Prior.from_history(past.calls, past.talks, config.dialing.ring_timeout_s)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        answers = [
            answer(world, prior, Question(agents, _policy(config, each), hours), range(seeds), pool.map)
            for each in (campaign, tried)
        ]
    if as_json:
        show(
            {"campaign": name, "agents": agents, "now": asdict(answers[0]), "what_if": asdict(answers[1])}, as_json=True
        )
        return
    title = f"{name}: {agents} agents, {hours:g} h from {start} h, {seeds} days drawn from {past.placed} past calls"
    show_rows(_rows(campaign, tried, *answers), COLUMNS, title)


def _policy(config: Config, campaign: CampaignConfig) -> Any:
    return policy_of(campaign, config.dialing.ring_timeout_s, config.dialing.min_ring_s)


async def _read(config: Config, name: str) -> tuple[CampaignConfig, History]:
    async with open_store(config) as store, store.snapshot() as session:
        campaigns = Campaigns(session)
        row = await campaigns.get(name)
        campaign = effective(row, await campaigns.segments(row.id))
        return campaign, await history(session, row.id)


def _rows(campaign: CampaignConfig, tried: CampaignConfig, now: Answer, then: Answer) -> list[dict[str, str]]:
    rows = [{"figure": "mode", "as it is": campaign.pacing.mode, "what if": tried.pacing.mode}]
    changed = {k: v for k, v in tried.pacing.model_dump().items() if v != getattr(campaign.pacing, k) and k != "mode"}
    rows += [{"figure": k, "as it is": str(getattr(campaign.pacing, k)), "what if": str(v)} for k, v in changed.items()]
    for figure, value in asdict(now).items():
        rows.append(
            {
                "figure": figure,
                "as it is": _spread(figure, Figure(**value)),
                "what if": _spread(figure, getattr(then, figure)),
            }
        )
    return rows


def _spread(name: str, figure: Figure) -> str:
    if name in SHARES:
        return f"{figure.mean:.1%} ({figure.least:.1%} to {figure.most:.1%})"
    return f"{figure.mean:.1f} ({figure.least:.1f} to {figure.most:.1f})"
