"""Mails that somebody asked for by an address."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "mail_requests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sealed_request", sa.Text(), nullable=False, comment="encrypted: the address and the kind of mail"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_requests")),
    )
    op.create_index("ix_mail_requests_created_at", "mail_requests", ["created_at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("mail_requests")
