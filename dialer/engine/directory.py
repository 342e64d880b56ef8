"""Who is on the line, as far as campaigns and books know: what a caller or an open attempt asks of an agent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from campaigns.repository import KnownCaller
from dialer.call import Recording
from dialer.engine.books import Running
from dialer.engine.dialling import recording_of, want_of
from dialer.engine.inbound import Caller
from dialer.routing import Want
from dialer.types import AttemptRecord


class Directory:
    """Looks people up; `campaigns` are those served now, by id."""

    def __init__(self, find: Callable[[str], Awaitable[KnownCaller | None]]) -> None:
        self._find = find
        self.campaigns: Mapping[int, Running] = {}

    async def caller(self, phone: str, dialled: str) -> Caller | None:
        """Return who calls us back, None for a stranger or a case of no campaign served; raises Unavailable."""
        number = phone if phone.startswith("+") else f"+{phone}"
        known = await self._find(number)
        if known is None or known.campaign_id is None or known.campaign_id not in self.campaigns:
            return None
        campaign = self.campaigns[known.campaign_id].config
        want = want_of(campaign, known.segment or "", known.language, known.last_agent)
        return Caller(
            known.debtor_id, known.campaign_id, campaign.name, want, campaign.recording, accounts=known.accounts
        )

    def attempt(self, record: AttemptRecord) -> tuple[Want, Recording]:
        """Return what a call found again asks of an agent, and whether it is recorded; yes when nobody knows."""
        running = self.campaigns.get(record.campaign_id)
        if running is None:
            return Want(), Recording.NOW
        return want_of(running.config, record.segment, "", None), recording_of(running.config)
