"""Exchange rates of the installation and quotes of merchants: both append-only."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from clearway.db.tables.base import metadata, moment

fx_rates = Table(
    "fx_rates",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("rate", Numeric, nullable=False, comment="how much of currency one unit of base is"),
    moment("as_of"),
    moment("fetched_at"),
    # A source may correct a rate of the same moment: that is a further row, and the newest counts.
    UniqueConstraint("source", "base", "currency", "as_of", "rate", name="uq_fx_rates_source"),
    CheckConstraint("rate > 0", name="rate_positive"),
)

fx_quotes = Table(
    "fx_quotes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("order_id", Text, ForeignKey("orders.id"), nullable=False),
    Column("settlement_minor", BigInteger, nullable=False, comment="the amount of the order"),
    Column("settlement_currency", Text, nullable=False),
    Column("presentment_minor", BigInteger, nullable=False, comment="what the customer pays"),
    Column("presentment_currency", Text, nullable=False),
    Column("exact_minor", BigInteger, nullable=False, comment="presentment, before it is what gateways can express"),
    Column("mid_rate", Numeric, nullable=False),
    Column("markup_bps", Integer, nullable=False),
    Column("rate", Numeric, nullable=False, comment="with the markup: presentment for one unit of settlement"),
    Column("source", Text, nullable=False),
    moment("as_of"),
    moment("expires_at"),
    moment("created_at"),
    CheckConstraint("settlement_minor > 0 AND presentment_minor > 0", name="amounts_positive"),
    CheckConstraint("settlement_currency <> presentment_currency", name="two_currencies"),
    Index("ix_fx_quotes_merchant_id_id", "merchant_id", text("id DESC")),
)
