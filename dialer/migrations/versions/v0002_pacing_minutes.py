"""What pacing decided, minute by minute; and the knobs a supervisor turned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("pacing", _JSON, nullable=False, server_default="{}"))
    op.create_table(
        "pacing_minutes",
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("node", sa.String(length=40), nullable=False),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decisions", sa.Integer(), nullable=False),
        sa.Column("dialled", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("last", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "node", "minute", name=op.f("pk_pacing_minutes")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_pacing_minutes_campaign_id_campaigns")
        ),
    )


def downgrade() -> None:
    op.drop_table("pacing_minutes")
    with op.batch_alter_table("campaigns") as campaigns:
        campaigns.drop_column("pacing")
