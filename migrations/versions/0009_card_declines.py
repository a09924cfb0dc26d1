"""Declines of cards, for the retry limits of the card networks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "card_declines",
        sa.Column("id", sa.Text(), nullable=False, comment="the operation key of the attempt"),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False, comment="`<pepper id>:<keyed hash>` of the card"),
        sa.Column("brand", sa.Text(), nullable=True, comment="null: not known"),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("never_again", sa.Boolean(), nullable=False, comment="its network or issuer forbids another try"),
        sa.Column("declined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_card_declines_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_declines")),
    )
    op.create_index(
        "ix_card_declines_merchant_id_fingerprint", "card_declines", ["merchant_id", "fingerprint", "declined_at"]
    )
    op.create_index("ix_card_declines_declined_at", "card_declines", ["declined_at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("card_declines")
