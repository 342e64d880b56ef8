"""The tables of lists and calls: who may be called, what was tried, and by whom.

No relationship is ever loaded by itself: every query says what it joins.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from campaigns import case_models as case_models
from dialer.store import Base, BigId, JsonType, Money

DUE_AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
"""`next_try_at` of a lead that never had a try: before every clock, the demo's included."""


class CampaignState(StrEnum):
    """Where a campaign stands; only `running` places calls, `stopping` lets conversations end."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    STOPPED = "stopped"


class LeadState(StrEnum):
    """`open` may be called when due; `done` has ended; `suppressed` must not be called (opted out).

    `staged` belongs to an import: nobody sees it before that is published, from then on it is as good as open.
    """

    STAGED = "staged"
    OPEN = "open"
    DONE = "done"
    SUPPRESSED = "suppressed"


class AttemptState(StrEnum):
    """`open` from the committed intent until an outcome is known, then `closed` for ever."""

    OPEN = "open"
    CLOSED = "closed"


class Campaign(Base):
    """One campaign with its file as it was loaded; `key` is random and goes into every `call_id`.

    `pacing` holds the knobs a supervisor turned since, which win over the file's. `history_at` says when somebody
    loaded the contacts made before this dialer, or declared (`history_rows` 0) that there were none.
    """

    __tablename__ = "campaigns"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    definition: Mapped[str] = mapped_column(Text)
    pacing: Mapped[dict[str, Any]] = mapped_column(JsonType, default=dict, server_default="{}")
    state: Mapped[str] = mapped_column(String(16), default=CampaignState.CREATED)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    history_by: Mapped[str | None] = mapped_column(String(80))
    history_at: Mapped[datetime | None]
    history_rows: Mapped[int | None]


class Segment(Base):
    """A part of a campaign's list; `definition` is its table of the campaign file, or what was told by the API."""

    __tablename__ = "segments"
    __table_args__ = (UniqueConstraint("campaign_id", "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    name: Mapped[str] = mapped_column(String(40))
    priority: Mapped[int]
    source: Mapped[str] = mapped_column(String(8), default="file", server_default="file")
    definition: Mapped[dict[str, Any]] = mapped_column(JsonType, default=dict, server_default="{}")


class Debtor(Base):
    """A person, once for all campaigns, known to the agency by `external_id`.

    `time_zone` is what the list says of the person's clock (empty: nothing); `country` and `subdivision` (ISO 3166-2)
    are the address; `party` is `third` for anybody who does not owe the debt.
    """

    __tablename__ = "debtors"
    __table_args__ = (Index(None, "document"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    external_id: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(120), default="")
    language: Mapped[str] = mapped_column(String(2))
    time_zone: Mapped[str] = mapped_column(String(64))
    document: Mapped[str | None] = mapped_column(String(32))
    country: Mapped[str] = mapped_column(String(2), default="", server_default="")
    subdivision: Mapped[str] = mapped_column(String(6), default="", server_default="")
    locality: Mapped[str] = mapped_column(String(80), default="", server_default="")
    postal_code: Mapped[str] = mapped_column(String(16), default="", server_default="")
    party: Mapped[str] = mapped_column(String(8), default="first", server_default="first")
    last_agent: Mapped[str | None] = mapped_column(String(40))
    opted_out_at: Mapped[datetime | None]


class Account(Base):
    """One debt of a debtor; `custom` holds the columns of a list that only its segments know."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("debtor_id", "creditor", "product", "number"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtors.id"))
    creditor: Mapped[str] = mapped_column(String(80), default="")
    product: Mapped[str] = mapped_column(String(80), default="")
    balance: Mapped[Decimal | None] = mapped_column(Money)
    currency: Mapped[str | None] = mapped_column(String(3))
    days_overdue: Mapped[int | None]
    number: Mapped[str] = mapped_column(String(64), default="", server_default="")
    score: Mapped[float | None]
    tenure_months: Mapped[int | None]
    region: Mapped[str] = mapped_column(String(80), default="", server_default="")
    custom: Mapped[dict[str, Any]] = mapped_column(JsonType, default=dict, server_default="{}")


class Phone(Base):
    """A number of a debtor; the lowest rank is called first; a retired one never again."""

    __tablename__ = "phones"
    __table_args__ = (UniqueConstraint("debtor_id", "e164"), Index(None, "e164"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtors.id"))
    e164: Mapped[str] = mapped_column(String(16))
    rank: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(String(8), default="", server_default="")
    retired_at: Mapped[datetime | None]
    retired_reason: Mapped[str | None] = mapped_column(String(40))


class Lead(Base):
    """A debtor in a campaign; `tries` is the last try number used, counted or not.

    Above 0, `priority` puts the lead before all others of its segment (a promised callback, a broken promise).
    `phone_id` is the number to call next (None: the first in use), `account_ids` the debts the call is about.
    """

    __tablename__ = "leads"
    __table_args__ = (
        UniqueConstraint("campaign_id", "debtor_id"),
        Index(None, "campaign_id", "segment_id", "state", "next_try_at", "id"),
        Index(None, "debtor_id"),
        Index(
            "ix_leads_urgent",
            "campaign_id",
            "segment_id",
            "next_try_at",
            sqlite_where=text("priority > 0"),
            postgresql_where=text("priority > 0"),
        ),
        Index(
            "ix_leads_staged",
            "import_id",
            "segment_id",
            "id",
            sqlite_where=text("state = 'staged'"),
            postgresql_where=text("state = 'staged'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id"))
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtors.id"))
    state: Mapped[str] = mapped_column(String(16), default=LeadState.OPEN)
    reason: Mapped[str] = mapped_column(String(40), default="")
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime] = mapped_column(default=DUE_AT_ONCE)
    priority: Mapped[int] = mapped_column(default=0, server_default="0")
    phone_id: Mapped[int | None] = mapped_column(ForeignKey("phones.id"))
    account_ids: Mapped[list[int]] = mapped_column(JsonType, default=list, server_default="[]")
    import_id: Mapped[int | None] = mapped_column(ForeignKey("imports.id"))


class Attempt(Base):
    """One call placed to one phone, from the intent committed before it is dialled.

    `day` is the debtor's local date of the try, under which its phone was counted. Names of campaign, segment,
    debtor and phone are kept as they were that day. One debtor has one open attempt at most, in any campaign.
    """

    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("campaign_id", "debtor_id", "try_no"),
        Index(
            "uq_attempts_open_debtor",
            "debtor_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(None, "campaign_id", "day"),
    )

    call_id: Mapped[str] = mapped_column(String(27), primary_key=True)
    seq: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(8), default=AttemptState.OPEN)
    day: Mapped[date]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    campaign: Mapped[str] = mapped_column(String(40))
    segment: Mapped[str] = mapped_column(String(40))
    lead_id: Mapped[int] = mapped_column(ForeignKey("leads.id"))
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtors.id"))
    debtor: Mapped[str] = mapped_column(String(64))
    phone_id: Mapped[int] = mapped_column(ForeignKey("phones.id"))
    phone: Mapped[str] = mapped_column(String(16))
    try_no: Mapped[int]
    node: Mapped[str] = mapped_column(String(40))
    trunk: Mapped[str] = mapped_column(String(40))
    incarnation: Mapped[str] = mapped_column(String(64), default="")
    time_zone: Mapped[str] = mapped_column(String(64), default="")
    intent_at: Mapped[datetime]
    dialled_at: Mapped[datetime | None]
    ringing_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    classified_at: Mapped[datetime | None]
    bridged_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    wrap_ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(16))
    cause: Mapped[int | None]
    tech_cause: Mapped[str | None] = mapped_column(String(64))
    agent: Mapped[str | None] = mapped_column(String(40))
    recording: Mapped[str | None] = mapped_column(Text)
    disposition: Mapped[str | None] = mapped_column(String(40))
    accounts: Mapped[list[int]] = mapped_column(JsonType, default=list, server_default="[]")
    place: Mapped[list[str]] = mapped_column(JsonType, default=list, server_default="[]")
    flags: Mapped[list[str]] = mapped_column(JsonType, default=list)


class PhoneDay(Base):
    """How many tries a phone has had on one local day, whoever it belongs to; `allowed` is the last limit applied."""

    __tablename__ = "phone_days"

    phone: Mapped[str] = mapped_column(String(16), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    tries: Mapped[int]
    allowed: Mapped[int]


class PacingMinute(Base):
    """What pacing decided in one minute of a campaign on a node; `last` is the last decision with all it saw."""

    __tablename__ = "pacing_minutes"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    node: Mapped[str] = mapped_column(String(40), primary_key=True)
    minute: Mapped[datetime] = mapped_column(primary_key=True)
    decisions: Mapped[int]
    dialled: Mapped[int]
    cancelled: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    last: Mapped[dict[str, Any]] = mapped_column(JsonType)


class InboundCall(Base):
    """Somebody called us back; kept, never counted as an attempt."""

    __tablename__ = "inbound_calls"
    __table_args__ = (Index(None, "debtor_id"),)

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(default=0)
    node: Mapped[str] = mapped_column(String(40))
    phone: Mapped[str] = mapped_column(String(40))
    dialled: Mapped[str] = mapped_column(String(40))
    debtor_id: Mapped[int | None] = mapped_column(ForeignKey("debtors.id"))
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaigns.id"))
    arrived_at: Mapped[datetime]
    bridged_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    result: Mapped[str] = mapped_column(String(40))
    agent: Mapped[str | None] = mapped_column(String(40))
    recording: Mapped[str | None] = mapped_column(Text)
    accounts: Mapped[list[int]] = mapped_column(JsonType, default=list, server_default="[]")


class Agent(Base):
    """Somebody who talks to debtors: a softphone extension, skills by level 1 to 5, languages spoken."""

    __tablename__ = "agents"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    extension: Mapped[int] = mapped_column(unique=True)
    skills: Mapped[dict[str, int]] = mapped_column(JsonType, default=dict)
    languages: Mapped[list[str]] = mapped_column(JsonType, default=list)
    active: Mapped[bool] = mapped_column(default=True)
