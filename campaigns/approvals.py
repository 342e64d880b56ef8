"""Who answers for which profile: nothing is dialled under one that nobody approved, or that has changed since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from campaigns.case_models import ProfileApproval
from campaigns.compliance import Bound, Profile
from dialer.types import InputError, Refused

NEEDS_NONE = frozenset({"demo"})
"""Works on the simulated Asterisk only, where nobody real is called."""

_LONGEST_NAME = 80


class State(StrEnum):
    """How a profile stands."""

    APPROVED = "approved"
    CHANGED = "changed since"
    NEVER = "never approved"
    NOT_NEEDED = "not needed"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a profile stands, and who approved it last and when."""

    state: State
    by: str = ""
    at: datetime | None = None

    @property
    def good(self) -> bool:
        """Whether calls may be placed under the profile."""
        return self.state in (State.APPROVED, State.NOT_NEEDED)


class Approvals:
    """The approvals in the books."""

    def __init__(self, session: AsyncSession) -> None:
        """Use this transaction."""
        self._session = session

    async def approve(self, profile: Profile, by: str, now: datetime) -> None:
        """Write down that somebody answers for the profile as it is; raises InputError without a name."""
        name = " ".join(by.split())
        if not name or len(name) > _LONGEST_NAME:
            raise InputError(f"approved by {by!r}: give the name of a person, of at most {_LONGEST_NAME} characters")
        self._session.add(ProfileApproval(profile=profile.id, hash=profile.hash, by_name=name, at=now))
        await self._session.flush()

    async def standings(self, bound: Iterable[Bound | Profile]) -> Mapping[str, Standing]:
        """Return how each of these profiles stands, by id."""
        wanted = {profile.id: profile.hash for profile in bound}
        query = (
            select(ProfileApproval)
            .where(ProfileApproval.profile.in_(wanted))
            .order_by(ProfileApproval.at, ProfileApproval.id)
        )
        given: dict[str, list[ProfileApproval]] = {}
        for row in await self._session.scalars(query):
            given.setdefault(row.profile, []).append(row)
        return {name: _standing(name, wanted[name], given.get(name, [])) for name in wanted}


def unapproved(bound: Iterable[Bound | Profile], standings: Mapping[str, Standing]) -> tuple[Refused, ...]:
    """Return a refusal for each profile that nobody answers for; one that is not in `standings` was never approved."""
    missing = Standing(State.NEVER)
    return tuple(
        Refused("unapproved_profile", f"{profile.id}: {standings.get(profile.id, missing).state}")
        for profile in bound
        if profile.id not in NEEDS_NONE and not standings.get(profile.id, missing).good
    )


def _standing(name: str, content: str, given: list[ProfileApproval]) -> Standing:
    if name in NEEDS_NONE:
        return Standing(State.NOT_NEEDED)
    if not given:
        return Standing(State.NEVER)
    good = [row for row in given if row.hash == content]
    last = (good or given)[-1]
    return Standing(State.APPROVED if good else State.CHANGED, last.by_name, last.at)
