"""Merchants' own rows over the error table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "error_overrides",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False, comment="the kind"),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("network_code", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "decline_code", sa.Text(), nullable=True, comment="null, as in the columns after it: as in the table"
        ),
        sa.Column("elsewhere", sa.Text(), nullable=True),
        sa.Column("wait_s", sa.Integer(), nullable=True),
        sa.Column("merchant_text", sa.Text(), nullable=True),
        sa.Column("customer_text", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("elsewhere IN ('no', 'step_up', 'yes')", name=op.f("ck_error_overrides_elsewhere_known")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_error_overrides_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_error_overrides")),
        sa.UniqueConstraint(
            "merchant_id",
            "gateway",
            "operation",
            "code",
            "network_code",
            name=op.f("uq_error_overrides_merchant_id_gateway_operation_code_network_code"),
        ),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("error_overrides")
