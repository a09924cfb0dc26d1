"""Orders."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB

from clearway.db.tables.base import metadata, moment, one_of, search_key_sql
from clearway.domain.order import OrderStatus

orders = Table(
    "orders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("receipt", Text),
    Column("notes", JSONB, nullable=False, server_default=text("'{}'")),
    Column("status", Text, nullable=False, server_default=OrderStatus.CREATED.value),
    moment("expires_at", nullable=True),
    moment("created_at"),
    moment("updated_at"),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
    CheckConstraint(one_of("status", OrderStatus), name="status_known"),
    UniqueConstraint("id", "merchant_id", "currency"),
    Index("ix_orders_merchant_id_id", "merchant_id", text("id DESC")),
    Index("ix_orders_merchant_id_status_id", "merchant_id", "status", text("id DESC")),
    Index(
        "ix_orders_expires_at_id",
        "expires_at",
        "id",
        postgresql_where=text("expires_at IS NOT NULL AND status IN ('created', 'attempted')"),
    ),
    Index("ix_orders_merchant_id_receipt", "merchant_id", search_key_sql("receipt")),
)
