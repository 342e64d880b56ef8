"""A campaign as it is in force: its file, the knobs turned since, and the segments added, changed or removed since."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from campaigns.models import Campaign, Segment
from dialer.config import CampaignConfig, SegmentConfig, parse_campaign
from dialer.types import ConfigError
from dialer.validation import validated

CAMPAIGNS: Table = Campaign.metadata.tables["campaigns"]
SEGMENTS: Table = Segment.metadata.tables["segments"]


class Source(StrEnum):
    """Who says what a segment is: the campaign's `file`, or the `api`; `removed` ones are segments no longer."""

    FILE = "file"
    API = "api"
    REMOVED = "removed"


class SegmentRow(Protocol):
    """A stored segment, as far as this goes; `campaigns.models.Segment` is one."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def source(self) -> str:
        """Who said it, one of `Source`."""
        ...

    @property
    def definition(self) -> Mapping[str, Any]:
        """Its table, as the API was told it."""
        ...


class CampaignRow(Protocol):
    """A stored campaign, as far as this goes; `campaigns.models.Campaign` is one."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def definition(self) -> str:
        """Its file."""
        ...

    @property
    def pacing(self) -> Mapping[str, Any]:
        """The knobs turned since."""
        ...


def effective(campaign: CampaignRow, segments: Iterable[SegmentRow]) -> CampaignConfig:
    """Return the campaign in force; raises ConfigError naming what cannot be read."""
    said = [{"name": row.name, "source": row.source, "table": dict(row.definition)} for row in segments]
    told = json.dumps([each for each in said if each["source"] != Source.FILE], sort_keys=True)
    # As text: whoever settles a batch asks for the same campaign again and again.
    return _effective(campaign.name, campaign.definition, json.dumps(dict(campaign.pacing), sort_keys=True), told)


async def campaigns_in_force(connection: AsyncConnection, ids: Collection[int]) -> dict[int, CampaignConfig]:
    """Return these campaigns as they are in force, by id; raises ConfigError naming one that cannot be read."""
    query = select(SEGMENTS).where(SEGMENTS.c.campaign_id.in_(ids)).order_by(SEGMENTS.c.id)
    segments: defaultdict[int, list[Any]] = defaultdict(list)
    for row in await connection.execute(query):
        segments[row.campaign_id].append(row)
    told = select(CAMPAIGNS.c.id, CAMPAIGNS.c.name, CAMPAIGNS.c.definition, CAMPAIGNS.c.pacing)
    rows = await connection.execute(told.where(CAMPAIGNS.c.id.in_(ids)))
    return {row.id: effective(row, segments[row.id]) for row in rows}


def segment_of(name: str, table: Mapping[str, Any]) -> SegmentConfig:
    """Return the segment a table describes; raises ConfigError naming the key and the remedy."""
    return validated(SegmentConfig, {**table, "name": name}, Path(f"segment {name}"))


@lru_cache(maxsize=256)
def _effective(name: str, definition: str, knobs: str, told: str) -> CampaignConfig:
    config = parse_campaign(definition, f"campaign {name} in the database").tuned(json.loads(knobs))
    segments = {segment.name: segment for segment in config.segments}
    for each in json.loads(told):
        if each["source"] == Source.REMOVED:
            segments.pop(each["name"], None)
        else:
            segments[each["name"]] = segment_of(each["name"], each["table"])
    if not segments:
        raise ConfigError(f"campaign {name}: all its segments were removed; add one with `dialer campaign segment add`")
    return config.model_copy(update={"segments": tuple(segments.values())})
