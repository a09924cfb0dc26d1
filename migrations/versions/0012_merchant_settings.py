"""What merchants set: branding, allowed origins, time zone, help texts, limits of refunds without a step-up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "merchant_settings",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.Column("logo_type", sa.Text(), nullable=True, comment="media type of the logo"),
        sa.Column("accent", sa.Text(), nullable=True, comment="#rrggbb, of buttons; null: the default"),
        sa.Column("accent_text", sa.Text(), nullable=True, comment="#rrggbb, of text on the accent"),
        sa.Column("allowed_origins", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("customer_chooses_gateway", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("support_email", sa.Text(), nullable=True),
        sa.Column("support_url", sa.Text(), nullable=True),
        sa.Column("terms_url", sa.Text(), nullable=True),
        sa.Column(
            "help_texts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="by topic",
        ),
        sa.Column("time_zone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column(
            "refund_step_up",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="minor units by currency",
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(logo IS NULL) = (logo_type IS NULL)", name=op.f("ck_merchant_settings_logo_has_type")),
        sa.CheckConstraint(
            "(accent IS NULL) = (accent_text IS NULL)", name=op.f("ck_merchant_settings_accent_has_text")
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_merchant_settings_merchant_id")),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_merchant_settings")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("merchant_settings")
