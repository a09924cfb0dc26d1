"""Refunds."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, Table, Text, text

from clearway.db.tables.base import metadata, moment, one_of
from clearway.domain.refund import FINAL, RefundStatus

refunds = Table(
    "refunds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("payment_id", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("settlement_minor", BigInteger, nullable=False, server_default="0", comment="of a payment by quote"),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("gateway", Text, nullable=False),
    Column("gateway_id", Text, nullable=False),
    Column("capture_id", Text, comment="the capture that is given back; null: the payment as a whole"),
    Column("gateway_reference", Text),
    Column("baseline", Text, comment="what the gateway said before it was sent; empty: being read"),
    Column("error_code", Text),
    Column("error_description", Text),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("last_step", Text, nullable=False, server_default="created"),
    moment("created_at"),
    moment("updated_at"),
    ForeignKeyConstraint(
        ["payment_id", "merchant_id", "currency"],
        ["payments.id", "payments.merchant_id", "payments.currency"],
        name="fk_refunds_payment",
    ),
    ForeignKeyConstraint(
        ["gateway_id", "merchant_id"],
        ["gateway_configs.id", "gateway_configs.merchant_id"],
        name="fk_refunds_gateway",
    ),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint(one_of("status", RefundStatus), name="status_known"),
    Index("ix_refunds_merchant_id_id", "merchant_id", text("id DESC")),
    # The lists with filters, see `clearway.db.walks`.
    Index(
        "ix_refunds_merchant_id_parts",
        *("merchant_id", "status", "gateway_id"),
        text("id DESC"),
        postgresql_include=["currency", "amount_minor"],
    ),
    Index("ix_refunds_payment_id_id", "payment_id", "id"),
    Index(
        "ux_refunds_baseline",
        "payment_id",
        unique=True,
        postgresql_where=text(f"baseline IS NOT NULL AND {one_of('status', frozenset(RefundStatus) - FINAL)}"),
    ),
    Index("ix_refunds_open", "id", postgresql_where=text(one_of("status", frozenset(RefundStatus) - FINAL))),
)
