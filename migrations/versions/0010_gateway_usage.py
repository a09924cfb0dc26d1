"""What is used of the limits of gateways."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "gateway_usage",
        sa.Column("gateway_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("free_at", sa.DateTime(timezone=True), nullable=True, comment="the next moment that is not reserved"),
        sa.Column(
            "line_at", sa.DateTime(timezone=True), nullable=True, comment="the last moment at which one asks again"
        ),
        sa.Column(
            "held_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="the gateway asked for no request till then",
        ),
        sa.Column(
            "under_way",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="requests, each with the moment at which it is over at the latest",
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_gateway_usage_merchant_id")),
        sa.PrimaryKeyConstraint("gateway_id", name=op.f("pk_gateway_usage")),
    )
    op.create_index("ix_gateway_usage_held_until", "gateway_usage", ["held_until"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("gateway_usage")
