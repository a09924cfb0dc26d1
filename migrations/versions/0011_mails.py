"""E-mails: the outbox, and the record of what became of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TEMPLATES = (
    "'account_deleted', 'address_changed', 'already_registered', 'confirm_new_address', "
    "'gateway_alert', 'invitation', 'membership_changed', 'new_login', 'notices', 'password_changed', "
    "'recovery_code_used', 'recovery_codes_replaced', 'refresh_token_reused', 'reset_password', 'totp_changed', "
    "'trial', 'verify_address'"
)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "mails",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column(
            "user_id",
            sa.Text(),
            nullable=True,
            comment="whose mails are deleted with them; null: of operators, or not yet a user",
        ),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column(
            "sealed_letter",
            sa.Text(),
            nullable=True,
            comment="encrypted: address, text and links; null once it is sent",
        ),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True, comment="why the last try failed; names no address"),
        sa.Column("useless_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("give_up_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('failed', 'pending', 'sent')", name=op.f("ck_mails_status_known")),
        sa.CheckConstraint(f"template IN ({TEMPLATES})", name=op.f("ck_mails_template_known")),
        sa.CheckConstraint("(status = 'pending') = (ended_at IS NULL)", name=op.f("ck_mails_ended_when_final")),
        sa.CheckConstraint(
            "status = 'sent' OR sealed_letter IS NOT NULL", name=op.f("ck_mails_letter_kept_until_sent")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
    )
    op.create_index("ix_mails_due_at", "mails", ["due_at"], postgresql_where=sa.text("status = 'pending'"))
    op.create_index("ix_mails_created_at", "mails", ["created_at"])
    op.create_index("ix_mails_user_id", "mails", ["user_id"], postgresql_where=sa.text("user_id IS NOT NULL"))


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("mails")
