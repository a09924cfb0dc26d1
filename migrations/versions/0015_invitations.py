"""Invitations to accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "invitations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True, comment="null: accepted or revoked"),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False, comment="keyed hash of the link's secret"),
        sa.Column("pepper_id", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False, comment="as in audit_log.actor"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.Text(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('admin', 'developer', 'finance', 'owner', 'support', 'viewer')",
            name=op.f("ck_invitations_role_known"),
        ),
        sa.CheckConstraint("accepted_at IS NULL OR revoked_at IS NULL", name=op.f("ck_invitations_ended_once")),
        sa.CheckConstraint(
            "(accepted_at IS NULL) = (accepted_by IS NULL)", name=op.f("ck_invitations_accepted_by_somebody")
        ),
        sa.CheckConstraint(
            "(accepted_at IS NULL AND revoked_at IS NULL) = (email IS NOT NULL)",
            name=op.f("ck_invitations_address_as_long_as_needed"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_invitations_account_id")),
        sa.ForeignKeyConstraint(["accepted_by"], ["users.id"], name=op.f("fk_invitations_accepted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
    )
    op.create_index("ix_invitations_account_id_id", "invitations", ["account_id", sa.literal_column("id DESC")])
    op.create_index(
        "uq_invitations_account_id_email",
        "invitations",
        ["account_id", sa.literal_column('lower(btrim(email) COLLATE "C")')],
        unique=True,
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("invitations")
