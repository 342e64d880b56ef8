"""The tables of everything that decides about a call beside lists and attempts: promises, refusals, law, evidence."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from dialer.store import Base, BigId, JsonType, Money


class CallbackState(StrEnum):
    """`open` waits for its time; `done` was spoken to or used up; `cancelled` is no longer wanted."""

    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class PromiseState(StrEnum):
    """`open` until the day it falls due; then somebody or the list says whether it was `kept` or `broken`."""

    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"
    CANCELLED = "cancelled"


class ImportState(StrEnum):
    """`staging` is seen by nobody; `published` belongs to the campaign; `done` has nothing left to tidy."""

    STAGING = "staging"
    PUBLISHED = "published"
    DONE = "done"


class Suppression(Base):
    """Somebody, a number or a debt that must not be called, since when, by whose word, and until when.

    `key` is `person:<debtor id>`, `phone:<E.164>` or `debt:<account id>`; `kind` is a list's name (`internal`,
    `cease_request`, `represented`, `deceased`, `wrong_number`, `dispute`, `hardship`, an imported do-not-call list).
    A lifted one stays as evidence.
    """

    __tablename__ = "suppressions"
    __table_args__ = (
        Index(
            "uq_suppressions_in_force",
            "key",
            "kind",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(40))
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    by_name: Mapped[str] = mapped_column(String(80))
    source: Mapped[str] = mapped_column(String(120), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None] = mapped_column(String(80))


class Callback(Base):
    """A call promised for a time; to one agent (until `fallback_at`, then to anyone) or to anyone from the start."""

    __tablename__ = "callbacks"
    __table_args__ = (Index(None, "lead_id", "state"), Index(None, "state", "due_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    lead_id: Mapped[int] = mapped_column(ForeignKey("leads.id"))
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtors.id"))
    phone_id: Mapped[int | None] = mapped_column(ForeignKey("phones.id"))
    call_id: Mapped[str | None] = mapped_column(String(27))
    due_at: Mapped[datetime]
    agent: Mapped[str | None] = mapped_column(String(40))
    fallback_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(16), default=CallbackState.OPEN)
    made_at: Mapped[datetime]
    by_name: Mapped[str] = mapped_column(String(80), default="")
    note: Mapped[str] = mapped_column(Text, default="")


class Promise(Base):
    """A promise to pay: no call about this debt before `due_on` has passed in the debtor's zone.

    `amount` None is the whole debt; `balance` is what was owed when it was made.
    """

    __tablename__ = "promises"
    __table_args__ = (
        Index(None, "account_id", "state"),
        Index(None, "debtor_id", "state"),
        Index(None, "state", "due_on"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtors.id"))
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    call_id: Mapped[str | None] = mapped_column(String(27))
    amount: Mapped[Decimal | None] = mapped_column(Money)
    balance: Mapped[Decimal | None] = mapped_column(Money)
    currency: Mapped[str | None] = mapped_column(String(3))
    due_on: Mapped[date]
    state: Mapped[str] = mapped_column(String(16), default=PromiseState.OPEN)
    made_at: Mapped[datetime]
    agent: Mapped[str | None] = mapped_column(String(40))
    decided_at: Mapped[datetime | None]


class Import(Base):
    """One file brought into a campaign; found again by the hash of its content and of how its columns were read."""

    __tablename__ = "imports"
    __table_args__ = (UniqueConstraint("campaign_id", "file_hash", "mapping_hash"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    file_hash: Mapped[str] = mapped_column(String(64))
    mapping_hash: Mapped[str] = mapped_column(String(64))
    file_name: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16), default=ImportState.STAGING)
    rows_done: Mapped[int] = mapped_column(default=0)
    rows_rejected: Mapped[int] = mapped_column(default=0)
    counts: Mapped[dict[str, Any]] = mapped_column(JsonType, default=dict, server_default="{}")
    started_at: Mapped[datetime]
    published_at: Mapped[datetime | None]


class ImportChange(Base):
    """What a staged file says otherwise than the books; written to `target` when the import is published."""

    __tablename__ = "import_changes"

    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    target: Mapped[str] = mapped_column(String(16), primary_key=True)
    row_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    facts: Mapped[dict[str, Any]] = mapped_column(JsonType)


class PriorEvent(Base):
    """A contact made before this dialer, or outside of it: counted by every cap and cool-down that knows its kind."""

    __tablename__ = "prior_events"
    __table_args__ = (UniqueConstraint("key", "kind", "at"), Index(None, "at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"))
    key: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
    source: Mapped[str] = mapped_column(String(120), default="")


class ProfileApproval(Base):
    """Somebody answers for a profile with exactly this content."""

    __tablename__ = "profile_approvals"
    __table_args__ = (Index(None, "profile", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    profile: Mapped[str] = mapped_column(String(40))
    hash: Mapped[str] = mapped_column(String(64))
    by_name: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]


class RulebookText(Base):
    """Every set of rules that ever decided about a call, by its hash, with the versions of what it was read with."""

    __tablename__ = "rulebooks"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    first_used_at: Mapped[datetime]
    content: Mapped[dict[str, Any]] = mapped_column(JsonType)


class DialDecision(Base):
    """One decision to dial or not to dial, never changed and never deleted: the database itself refuses.

    `facts` holds zones, counters with their values and the versions of the libraries.
    """

    __tablename__ = "dial_decisions"
    __table_args__ = (Index(None, "debtor_id", "at"), Index(None, "call_id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    call_id: Mapped[str] = mapped_column(String(27))
    campaign_id: Mapped[int] = mapped_column(BigId)
    lead_id: Mapped[int] = mapped_column(BigId)
    debtor_id: Mapped[int] = mapped_column(BigId)
    phone: Mapped[str] = mapped_column(String(16))
    verdict: Mapped[str] = mapped_column(String(40))
    rulebook: Mapped[str] = mapped_column(String(64), default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JsonType)
