"""Which notices people chose, and until when notices were sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "notice_choices",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_notice_choices_merchant_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notice_choices_user_id")),
        sa.PrimaryKeyConstraint("merchant_id", "user_id", name=op.f("pk_notice_choices")),
    )
    op.create_table(
        "notice_rounds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sent_until", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("id = 'notices'", name=op.f("ck_notice_rounds_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_rounds")),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("notice_rounds")
    op.drop_table("notice_choices")
