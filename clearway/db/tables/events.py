"""Events: what merchants receive, and a payment's history."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table, Text, text

from clearway.db.tables.base import metadata, moment

events = Table(
    "events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("type", Text, nullable=False),
    Column("payment_id", Text),
    Column("refund_id", Text),
    Column("step", Text, nullable=False, comment="the step of the payment or refund that made it"),
    Column("from_status", Text),
    Column("to_status", Text),
    Column("reason", Text),
    Column("actor", Text),
    Column("body", Text, nullable=False, comment="the delivery body, byte for byte"),
    moment("created_at"),
    Index("ix_events_merchant_id_id", "merchant_id", text("id DESC")),
    Index("ix_events_merchant_id_type_id", "merchant_id", "type", text("id DESC")),
    Index(
        "uq_events_payment_step", "payment_id", "step", "type", unique=True, postgresql_where=text("refund_id IS NULL")
    ),
    Index("uq_events_refund_step", "refund_id", "step", "type", unique=True),
)
