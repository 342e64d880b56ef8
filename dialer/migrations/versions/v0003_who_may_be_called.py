"""Who may be called and why: addresses, segments' rules, promises, suppressions, imports, approvals, the audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_MONEY = sa.Numeric(14, 2).with_variant(sa.BigInteger(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_law()
    _create_imports()
    _widen_lists()
    _widen_leads()
    _create_promises()
    _forbid_changes("dial_decisions")


def downgrade() -> None:
    _allow_changes("dial_decisions")
    for table in ("callbacks", "promises"):
        op.drop_table(table)
    _narrow_leads()
    _narrow_lists()
    for table in (
        "import_changes",
        "imports",
        "prior_events",
        "dial_decisions",
        "rulebooks",
        "profile_approvals",
        "suppressions",
    ):
        op.drop_table(table)


def _create_law() -> None:
    op.create_table(
        "suppressions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("since", _INSTANT, nullable=False),
        sa.Column("until", _INSTANT, nullable=True),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("lifted_at", _INSTANT, nullable=True),
        sa.Column("lifted_by", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
    )
    op.create_index(
        op.f("uq_suppressions_in_force"),
        "suppressions",
        ["key", "kind"],
        unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "profile_approvals",
        sa.Column("id", _ID, nullable=False),
        sa.Column("profile", sa.String(length=40), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile_approvals")),
    )
    op.create_index(op.f("ix_profile_approvals_profile_at"), "profile_approvals", ["profile", "at"], unique=False)
    op.create_table(
        "rulebooks",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("first_used_at", _INSTANT, nullable=False),
        sa.Column("content", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_rulebooks")),
    )
    op.create_table(
        "dial_decisions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("call_id", sa.String(length=27), nullable=False),
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("lead_id", _ID, nullable=False),
        sa.Column("debtor_id", _ID, nullable=False),
        sa.Column("phone", sa.String(length=16), nullable=False),
        sa.Column("verdict", sa.String(length=40), nullable=False),
        sa.Column("rulebook", sa.String(length=64), nullable=False),
        sa.Column("facts", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dial_decisions")),
    )
    op.create_index(op.f("ix_dial_decisions_call_id"), "dial_decisions", ["call_id"], unique=False)
    op.create_index(op.f("ix_dial_decisions_debtor_id_at"), "dial_decisions", ["debtor_id", "at"], unique=False)
    op.create_table(
        "prior_events",
        sa.Column("id", _ID, nullable=False),
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_prior_events_campaign_id_campaigns")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prior_events")),
        sa.UniqueConstraint("key", "kind", "at", name=op.f("uq_prior_events_key_kind_at")),
    )
    op.create_index(op.f("ix_prior_events_at"), "prior_events", ["at"], unique=False)


def _create_imports() -> None:
    op.create_table(
        "imports",
        sa.Column("id", _ID, nullable=False),
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("file_hash", sa.String(length=64), nullable=False),
        sa.Column("mapping_hash", sa.String(length=64), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("rows_rejected", sa.Integer(), nullable=False),
        sa.Column("counts", _JSON, server_default="{}", nullable=False),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("published_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_imports_campaign_id_campaigns")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        sa.UniqueConstraint(
            "campaign_id", "file_hash", "mapping_hash", name=op.f("uq_imports_campaign_id_file_hash_mapping_hash")
        ),
    )
    op.create_table(
        "import_changes",
        sa.Column("import_id", _ID, nullable=False),
        sa.Column("target", sa.String(length=16), nullable=False),
        sa.Column("row_id", _ID, autoincrement=False, nullable=False),
        sa.Column("facts", _JSON, nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_import_changes_import_id_imports")),
        sa.PrimaryKeyConstraint("import_id", "target", "row_id", name=op.f("pk_import_changes")),
    )


def _create_promises() -> None:
    op.create_table(
        "promises",
        sa.Column("id", _ID, nullable=False),
        sa.Column("account_id", _ID, nullable=False),
        sa.Column("debtor_id", _ID, nullable=False),
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("call_id", sa.String(length=27), nullable=True),
        sa.Column("amount", _MONEY, nullable=True),
        sa.Column("balance", _MONEY, nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("agent", sa.String(length=40), nullable=True),
        sa.Column("decided_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_promises_account_id_accounts")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_promises_campaign_id_campaigns")),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtors.id"], name=op.f("fk_promises_debtor_id_debtors")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promises")),
    )
    op.create_index(op.f("ix_promises_account_id_state"), "promises", ["account_id", "state"], unique=False)
    op.create_index(op.f("ix_promises_debtor_id_state"), "promises", ["debtor_id", "state"], unique=False)
    op.create_index(op.f("ix_promises_state_due_on"), "promises", ["state", "due_on"], unique=False)
    op.create_table(
        "callbacks",
        sa.Column("id", _ID, nullable=False),
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("lead_id", _ID, nullable=False),
        sa.Column("debtor_id", _ID, nullable=False),
        sa.Column("phone_id", _ID, nullable=True),
        sa.Column("call_id", sa.String(length=27), nullable=True),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.Column("agent", sa.String(length=40), nullable=True),
        sa.Column("fallback_at", _INSTANT, nullable=True),
        sa.Column("expires_at", _INSTANT, nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_callbacks_campaign_id_campaigns")),
        sa.ForeignKeyConstraint(["debtor_id"], ["debtors.id"], name=op.f("fk_callbacks_debtor_id_debtors")),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_callbacks_lead_id_leads")),
        sa.ForeignKeyConstraint(["phone_id"], ["phones.id"], name=op.f("fk_callbacks_phone_id_phones")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
    )
    op.create_index(op.f("ix_callbacks_lead_id_state"), "callbacks", ["lead_id", "state"], unique=False)
    op.create_index(op.f("ix_callbacks_state_due_at"), "callbacks", ["state", "due_at"], unique=False)


_DEBTOR_COLUMNS = (("country", 2), ("subdivision", 6), ("locality", 80), ("postal_code", 16))
_ACCOUNT_COLUMNS = ("number", "score", "tenure_months", "region", "custom")
_HISTORY_COLUMNS = ("history_by", "history_at", "history_rows")


def _widen_lists() -> None:
    op.add_column("debtors", sa.Column("document", sa.String(length=32), nullable=True))
    for name, length in _DEBTOR_COLUMNS:
        op.add_column("debtors", sa.Column(name, sa.String(length=length), nullable=False, server_default=""))
    op.add_column("debtors", sa.Column("party", sa.String(length=8), nullable=False, server_default="first"))
    op.create_index(op.f("ix_debtors_document"), "debtors", ["document"])
    op.add_column("phones", sa.Column("kind", sa.String(length=8), nullable=False, server_default=""))
    op.add_column("segments", sa.Column("source", sa.String(length=8), nullable=False, server_default="file"))
    op.add_column("segments", sa.Column("definition", _JSON, nullable=False, server_default="{}"))
    op.add_column("campaigns", sa.Column("history_by", sa.String(length=80), nullable=True))
    op.add_column("campaigns", sa.Column("history_at", _INSTANT, nullable=True))
    op.add_column("campaigns", sa.Column("history_rows", sa.Integer(), nullable=True))
    with op.batch_alter_table("accounts") as accounts:
        accounts.add_column(sa.Column("number", sa.String(length=64), nullable=False, server_default=""))
        accounts.add_column(sa.Column("score", sa.Double(), nullable=True))
        accounts.add_column(sa.Column("tenure_months", sa.Integer(), nullable=True))
        accounts.add_column(sa.Column("region", sa.String(length=80), nullable=False, server_default=""))
        accounts.add_column(sa.Column("custom", _JSON, nullable=False, server_default="{}"))
        accounts.drop_constraint(op.f("uq_accounts_debtor_id_creditor_product"), type_="unique")
        accounts.create_unique_constraint(
            op.f("uq_accounts_debtor_id_creditor_product_number"), ["debtor_id", "creditor", "product", "number"]
        )


def _narrow_lists() -> None:
    with op.batch_alter_table("accounts") as accounts:
        accounts.drop_constraint(op.f("uq_accounts_debtor_id_creditor_product_number"), type_="unique")
        for name in _ACCOUNT_COLUMNS:
            accounts.drop_column(name)
        accounts.create_unique_constraint(
            op.f("uq_accounts_debtor_id_creditor_product"), ["debtor_id", "creditor", "product"]
        )
    for name in _HISTORY_COLUMNS:
        op.drop_column("campaigns", name)
    op.drop_column("segments", "definition")
    op.drop_column("segments", "source")
    op.drop_column("phones", "kind")
    op.drop_index(op.f("ix_debtors_document"), "debtors")
    for name in ("document", "party", *(name for name, _ in _DEBTOR_COLUMNS)):
        op.drop_column("debtors", name)


def _widen_leads() -> None:
    op.add_column("leads", sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("leads", sa.Column("account_ids", _JSON, nullable=False, server_default="[]"))
    op.add_column("attempts", sa.Column("accounts", _JSON, nullable=False, server_default="[]"))
    op.add_column("inbound_calls", sa.Column("accounts", _JSON, nullable=False, server_default="[]"))
    op.add_column("attempts", sa.Column("place", _JSON, nullable=False, server_default="[]"))
    # In SQL: SQLite takes a reference only together with its column, and rebuilding this table takes minutes.
    kind = "INTEGER" if op.get_context().dialect.name == "sqlite" else "BIGINT"
    for column, table in (("phone_id", "phones"), ("import_id", "imports")):
        name = f"fk_leads_{column}_{table}"
        op.execute(f"ALTER TABLE leads ADD COLUMN {column} {kind} CONSTRAINT {name} REFERENCES {table} (id)")
    urgent, staged = sa.text("priority > 0"), sa.text("state = 'staged'")
    op.create_index(
        "ix_leads_urgent",
        "leads",
        ["campaign_id", "segment_id", "next_try_at"],
        sqlite_where=urgent,
        postgresql_where=urgent,
    )
    op.create_index(
        "ix_leads_staged",
        "leads",
        ["import_id", "segment_id", "id"],
        sqlite_where=staged,
        postgresql_where=staged,
    )


def _narrow_leads() -> None:
    op.drop_column("inbound_calls", "accounts")
    op.drop_column("attempts", "place")
    op.drop_column("attempts", "accounts")
    op.drop_index("ix_leads_staged", "leads")
    op.drop_index("ix_leads_urgent", "leads")
    with op.batch_alter_table("leads") as leads:
        for name in ("import_id", "phone_id", "account_ids", "priority"):
            leads.drop_column(name)


def _forbid_changes(table: str) -> None:
    """Let the database itself keep the evidence as it was written."""
    if op.get_context().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )


def _allow_changes(table: str) -> None:
    if op.get_context().dialect.name == "sqlite":
        for change in ("update", "delete"):
            op.execute(f"DROP TRIGGER {table}_no_{change}")
        return
    op.execute(f"DROP TRIGGER {table}_no_change ON {table}")
    op.execute(f"DROP FUNCTION {table}_append_only()")
