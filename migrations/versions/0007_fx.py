"""Exchange rates and quotes, append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = ("fx_rates", "fx_quotes")


def upgrade() -> None:
    """Create the tables and their guards."""
    _create_rates()
    _create_quotes()
    for table in TABLES:
        for action, scope in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            name = f"refuse_{action.split()[0].lower()}"
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {action} ON {table} FOR EACH {scope} EXECUTE FUNCTION refuse_change()"
            )


def _create_rates() -> None:
    op.create_table(
        "fx_rates",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("rate", sa.Numeric(), nullable=False, comment="how much of currency one unit of base is"),
        sa.Column("as_of", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("rate > 0", name=op.f("ck_fx_rates_rate_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fx_rates")),
        sa.UniqueConstraint("source", "base", "currency", "as_of", "rate", name="uq_fx_rates_source"),
    )


def _create_quotes() -> None:
    op.create_table(
        "fx_quotes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("settlement_minor", sa.BigInteger(), nullable=False, comment="the amount of the order"),
        sa.Column("settlement_currency", sa.Text(), nullable=False),
        sa.Column("presentment_minor", sa.BigInteger(), nullable=False, comment="what the customer pays"),
        sa.Column("presentment_currency", sa.Text(), nullable=False),
        sa.Column(
            "exact_minor",
            sa.BigInteger(),
            nullable=False,
            comment="presentment, before it is what gateways can express",
        ),
        sa.Column("mid_rate", sa.Numeric(), nullable=False),
        sa.Column("markup_bps", sa.Integer(), nullable=False),
        sa.Column(
            "rate", sa.Numeric(), nullable=False, comment="with the markup: presentment for one unit of settlement"
        ),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "settlement_minor > 0 AND presentment_minor > 0", name=op.f("ck_fx_quotes_amounts_positive")
        ),
        sa.CheckConstraint("settlement_currency <> presentment_currency", name=op.f("ck_fx_quotes_two_currencies")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_fx_quotes_merchant_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_fx_quotes_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fx_quotes")),
    )
    op.create_index("ix_fx_quotes_merchant_id_id", "fx_quotes", ["merchant_id", sa.literal_column("id DESC")])


def downgrade() -> None:
    """Refuse: the rows would be lost."""
    message = "the rows would be lost; to go back, restore a backup"
    raise RuntimeError(message)
