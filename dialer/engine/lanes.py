"""The campaigns this engine serves: their lanes are opened, tuned, told their past, and closed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, timedelta

import structlog

from campaigns.compliance import zone_of
from campaigns.models import CampaignState
from dialer.config import Config
from dialer.engine.books import Books, Running
from dialer.engine.lane import Lane, policy_of
from dialer.engine.odds import AnswerOdds
from dialer.pacing import Pacer, Prior
from dialer.types import Clock, ConfigError

NOT_YET = "it has not been looked at yet whether the campaign may call"
"""Of every campaign until its permit was seen."""

log = structlog.get_logger("dialer.engine")


class Lanes:
    """One lane for every served campaign and node of its trunks; `unserved` says why others are not."""

    def __init__(self, config: Config, clock: Clock, books: Books) -> None:
        self._config = config
        self._clock = clock
        self._books = books
        self.open: dict[tuple[int, str], Lane] = {}
        self.unserved: dict[str, str] = {}

    async def refresh(self) -> dict[int, Running]:
        """Read campaigns anew: started, paused, stopped and tuned ones; return those served, by id."""
        served, unserved = await self._books.campaigns()
        for running in served:
            try:
                self._serve(running)
            except ConfigError as exc:
                unserved[running.config.name] = f"{exc}; correct config.toml and start the engine again"
        self._tell(unserved)
        for lane in [lane for lane in self.open.values() if not lane.tallies]:
            await self._teach(lane)
            await self._tally(lane)  # a campaign's pacing knows its abandonment from its first call on
        self._close(served)
        return {running.campaign_id: running for running in served}

    async def count(self) -> None:
        """Count the abandonment windows anew: days end, and the books know better than a running sum."""
        for lane in list(self.open.values()):
            await self._tally(lane)

    async def learn(self) -> None:
        """Read anew who answers when; what pacing itself learns goes on by itself."""
        for lane in list(self.open.values()):
            past = await self._books.history(lane.campaign_id)
            lane.odds = AnswerOdds.of_history(past.hours)

    def _serve(self, running: Running) -> None:
        """Open what is new, tune what changed."""
        dialing = self._config.dialing
        for node in {self._config.trunk(name).node for name in running.config.trunks}:
            key = (running.campaign_id, node)
            policy = policy_of(running.config, dialing.ring_timeout_s, dialing.min_ring_s)
            lane = self.open.get(key)
            if lane is None:
                lane = self.open[key] = Lane(
                    running.campaign_id, running.key, running.config, node, Pacer(policy), running.started_at, NOT_YET
                )
            elif lane.campaign != running.config or lane.started_at != running.started_at:
                lane.started_at = running.started_at
                lane.retune(running.config, policy)
            lane.state = running.state

    async def _teach(self, lane: Lane) -> None:
        """Let a campaign that has called before begin with what it knows."""
        past = await self._books.history(lane.campaign_id)
        if past.placed:
            policy = lane.pacer.policy
            lane.pacer = Pacer(policy, Prior.from_history(past.calls, past.talks, policy.ring_timeout_s))
            lane.odds = AnswerOdds.of_history(past.hours)
            log.info("warm start", campaign=lane.name, calls=past.placed, live=past.live)

    async def _tally(self, lane: Lane) -> None:
        now = self._clock.now()
        zone = zone_of(lane.campaign.time_zone) or UTC
        midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        for window, since in (("day", midnight), ("30 days", now - timedelta(days=30))):
            lane.tallies[window] = await self._books.tally(lane.campaign_id, since.astimezone(UTC))

    def _close(self, served: Sequence[Running]) -> None:
        kept = {running.campaign_id for running in served}
        for key, lane in list(self.open.items()):
            if lane.campaign_id not in kept:
                lane.state = CampaignState.STOPPED  # seen by whoever still holds the lane: no call follows
                del self.open[key]

    def _tell(self, unserved: dict[str, str]) -> None:
        for name in unserved.keys() - self.unserved.keys():
            log.error("campaign not served", campaign=name, detail=unserved[name])
        self.unserved = unserved
