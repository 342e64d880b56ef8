"""Lists, calls, agents and recordings: the first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_MONEY = sa.Numeric(14, 2).with_variant(sa.BigInteger(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_campaigns()
    _create_debtors()
    _create_leads()
    _create_attempts()
    _create_call_books()


def downgrade() -> None:
    for table in (
        "recordings",
        "inbound_calls",
        "phone_days",
        "attempts",
        "leads",
        "phones",
        "accounts",
        "debtors",
        "agents",
        "segments",
        "campaigns",
    ):
        op.drop_table(table)


def _create_campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", _ID, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("started_at", _INSTANT, nullable=True),
        sa.Column("stopped_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        sa.UniqueConstraint("key", name=op.f("uq_campaigns_key")),
        sa.UniqueConstraint("name", name=op.f("uq_campaigns_name")),
    )
    op.create_table(
        "segments",
        sa.Column("id", _ID, nullable=False),
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_segments_campaign_id_campaigns")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segments")),
        sa.UniqueConstraint("campaign_id", "name", name=op.f("uq_segments_campaign_id_name")),
    )
    op.create_table(
        "agents",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("extension", sa.Integer(), nullable=False),
        sa.Column("skills", _JSON, nullable=False),
        sa.Column("languages", _JSON, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
        sa.UniqueConstraint("extension", name=op.f("uq_agents_extension")),
        sa.UniqueConstraint("name", name=op.f("uq_agents_name")),
    )


def _create_debtors() -> None:
    op.create_table(
        "debtors",
        sa.Column("id", _ID, nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("last_agent", sa.String(length=40), nullable=True),
        sa.Column("opted_out_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_debtors")),
        sa.UniqueConstraint("external_id", name=op.f("uq_debtors_external_id")),
    )
    op.create_table(
        "accounts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("debtor_id", _ID, nullable=False),
        sa.Column("creditor", sa.String(length=80), nullable=False),
        sa.Column("product", sa.String(length=80), nullable=False),
        sa.Column("balance", _MONEY, nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("days_overdue", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtors.id"], name=op.f("fk_accounts_debtor_id_debtors")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("debtor_id", "creditor", "product", name=op.f("uq_accounts_debtor_id_creditor_product")),
    )
    op.create_table(
        "phones",
        sa.Column("id", _ID, nullable=False),
        sa.Column("debtor_id", _ID, nullable=False),
        sa.Column("e164", sa.String(length=16), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("retired_at", _INSTANT, nullable=True),
        sa.Column("retired_reason", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtors.id"], name=op.f("fk_phones_debtor_id_debtors")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phones")),
        sa.UniqueConstraint("debtor_id", "e164", name=op.f("uq_phones_debtor_id_e164")),
    )
    op.create_index(op.f("ix_phones_e164"), "phones", ["e164"])


def _create_leads() -> None:
    op.create_table(
        "leads",
        sa.Column("id", _ID, nullable=False),
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("segment_id", _ID, nullable=False),
        sa.Column("debtor_id", _ID, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_leads_campaign_id_campaigns")),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtors.id"], name=op.f("fk_leads_debtor_id_debtors")),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.id"], name=op.f("fk_leads_segment_id_segments")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads")),
        sa.UniqueConstraint("campaign_id", "debtor_id", name=op.f("uq_leads_campaign_id_debtor_id")),
    )
    op.create_index(
        op.f("ix_leads_campaign_id_segment_id_state_next_try_at_id"),
        "leads",
        ["campaign_id", "segment_id", "state", "next_try_at", "id"],
    )
    op.create_index(op.f("ix_leads_debtor_id"), "leads", ["debtor_id"])


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        *_attempt_columns(),
        *_call_columns(),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_attempts_campaign_id_campaigns")),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtors.id"], name=op.f("fk_attempts_debtor_id_debtors")),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_attempts_lead_id_leads")),
        sa.ForeignKeyConstraint(["phone_id"], ["phones.id"], name=op.f("fk_attempts_phone_id_phones")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_attempts")),
        sa.UniqueConstraint(
            "campaign_id", "debtor_id", "try_no", name=op.f("uq_attempts_campaign_id_debtor_id_try_no")
        ),
    )
    op.create_index(op.f("ix_attempts_campaign_id_day"), "attempts", ["campaign_id", "day"])
    op.create_index(
        "uq_attempts_open_debtor",
        "attempts",
        ["debtor_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )


def _attempt_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("call_id", sa.String(length=27), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("campaign", sa.String(length=40), nullable=False),
        sa.Column("segment", sa.String(length=40), nullable=False),
        sa.Column("lead_id", _ID, nullable=False),
        sa.Column("debtor_id", _ID, nullable=False),
        sa.Column("debtor", sa.String(length=64), nullable=False),
        sa.Column("phone_id", _ID, nullable=False),
        sa.Column("phone", sa.String(length=16), nullable=False),
        sa.Column("try_no", sa.Integer(), nullable=False),
        sa.Column("node", sa.String(length=40), nullable=False),
        sa.Column("trunk", sa.String(length=40), nullable=False),
        sa.Column("incarnation", sa.String(length=64), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
    ]


def _call_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("intent_at", _INSTANT, nullable=False),
        sa.Column("dialled_at", _INSTANT, nullable=True),
        sa.Column("ringing_at", _INSTANT, nullable=True),
        sa.Column("answered_at", _INSTANT, nullable=True),
        sa.Column("classified_at", _INSTANT, nullable=True),
        sa.Column("bridged_at", _INSTANT, nullable=True),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.Column("wrap_ended_at", _INSTANT, nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("cause", sa.Integer(), nullable=True),
        sa.Column("tech_cause", sa.String(length=64), nullable=True),
        sa.Column("agent", sa.String(length=40), nullable=True),
        sa.Column("recording", sa.Text(), nullable=True),
        sa.Column("disposition", sa.String(length=40), nullable=True),
        sa.Column("flags", _JSON, nullable=False),
    ]


def _create_call_books() -> None:
    op.create_table(
        "phone_days",
        sa.Column("phone", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("allowed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("phone", "day", name=op.f("pk_phone_days")),
    )
    op.create_table(
        "inbound_calls",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("node", sa.String(length=40), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("dialled", sa.String(length=40), nullable=False),
        sa.Column("debtor_id", _ID, nullable=True),
        sa.Column("campaign_id", _ID, nullable=True),
        sa.Column("arrived_at", _INSTANT, nullable=False),
        sa.Column("bridged_at", _INSTANT, nullable=True),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.Column("result", sa.String(length=40), nullable=False),
        sa.Column("agent", sa.String(length=40), nullable=True),
        sa.Column("recording", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_inbound_calls_campaign_id_campaigns")),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtors.id"], name=op.f("fk_inbound_calls_debtor_id_debtors")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_inbound_calls")),
    )
    op.create_index(op.f("ix_inbound_calls_debtor_id"), "inbound_calls", ["debtor_id"])
    op.create_table(
        "recordings",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("bytes_raw", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_recordings")),
    )
