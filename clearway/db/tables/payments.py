"""Payments and their captures."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from clearway.db.tables.base import SEALED, metadata, moment, one_of, search_key_sql
from clearway.domain.command import CommandKind, CommandStatus
from clearway.domain.payment import FINAL, HOLDS_ORDER, CaptureMethod, PaymentMethod, PaymentStatus

payments = Table(
    "payments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("capture_method", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("captured_minor", BigInteger, nullable=False, server_default="0"),
    Column("refunded_minor", BigInteger, nullable=False, server_default="0"),
    Column("refund_pending_minor", BigInteger, nullable=False, server_default="0"),
    Column("gateway", Text, nullable=False, comment="the kind of the configuration"),
    Column("gateway_id", Text, nullable=False),
    Column("gateway_reference", Text),
    Column("instrument", JSONB, nullable=False, comment="what may be shown of it: vpa, card summary, bank, wallet"),
    Column("personal", Text, info=SEALED, comment="encrypted, as workflows have it; gone when the payment ends"),
    Column("sealed_return_url", Text, info=SEALED, comment="encrypted: where the merchant's customer comes back to"),
    Column("customer", JSONB(none_as_null=True)),
    Column("notes", JSONB, nullable=False, server_default=text("'{}'")),
    Column("action_url", Text),
    Column("error_code", Text),
    Column("error_description", Text),
    Column("version", Integer, nullable=False, server_default="0", comment="counts the moves of the state machine"),
    Column("last_step", Text, nullable=False, server_default="created"),
    moment("created_at"),
    moment("updated_at"),
    ForeignKeyConstraint(
        ["order_id", "merchant_id", "currency"],
        ["orders.id", "orders.merchant_id", "orders.currency"],
        name="fk_payments_order",
    ),
    ForeignKeyConstraint(
        ["gateway_id", "merchant_id"],
        ["gateway_configs.id", "gateway_configs.merchant_id"],
        name="fk_payments_gateway",
    ),
    UniqueConstraint("id", "merchant_id", "currency"),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint("captured_minor BETWEEN 0 AND amount_minor", name="captured_within_amount"),
    CheckConstraint("refunded_minor >= 0 AND refund_pending_minor >= 0", name="refunds_not_negative"),
    CheckConstraint("refunded_minor + refund_pending_minor <= captured_minor", name="refunds_within_captured"),
    CheckConstraint("status <> 'success' OR captured_minor > 0", name="success_is_captured"),
    CheckConstraint("status NOT IN ('failed', 'cancelled', 'expired') OR captured_minor = 0", name="ended_uncaptured"),
    CheckConstraint(one_of("status", PaymentStatus), name="status_known"),
    CheckConstraint(one_of("method", PaymentMethod), name="method_known"),
    CheckConstraint(one_of("capture_method", CaptureMethod), name="capture_method_known"),
    Index("ix_payments_merchant_id_id", "merchant_id", text("id DESC")),
    Index("ix_payments_merchant_id_status_id", "merchant_id", "status", text("id DESC")),
    Index("ix_payments_merchant_id_method_id", "merchant_id", "method", text("id DESC")),
    Index("ix_payments_merchant_id_currency_amount_minor", "merchant_id", "currency", "amount_minor"),
    Index("ix_payments_merchant_id_created_at", "merchant_id", "created_at"),
    Index("ix_payments_order_id", "order_id"),
    # What recovery looks through: rows that wait for something.
    Index("ix_payments_open", "id", postgresql_where=text(one_of("status", frozenset(PaymentStatus) - FINAL))),
    Index(
        "ix_payments_open_gateway_id",
        "gateway_id",
        postgresql_where=text(one_of("status", frozenset(PaymentStatus) - FINAL)),
    ),
    # One exact look-up each for the search of payments: what people have at hand when they ask about one.
    Index("ix_payments_merchant_id_vpa", "merchant_id", search_key_sql("instrument ->> 'vpa'")),
    Index("ix_payments_merchant_id_email", "merchant_id", search_key_sql("customer ->> 'email'")),
    Index("ix_payments_gateway_reference", "gateway_id", "gateway_reference"),
    Index(
        "uq_payments_order_taken",
        "order_id",
        unique=True,
        postgresql_where=text(one_of("status", HOLDS_ORDER)),
    ),
)

captures = Table(
    "captures",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("payment_id", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("gateway_reference", Text),
    moment("created_at"),
    ForeignKeyConstraint(
        ["payment_id", "merchant_id", "currency"],
        ["payments.id", "payments.merchant_id", "payments.currency"],
        name="fk_captures_payment",
    ),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    Index("ix_captures_payment_id_id", "payment_id", "id"),
)

payment_commands = Table(
    "payment_commands",
    metadata,
    Column("id", Text, primary_key=True),
    Column("payment_id", Text, nullable=False),
    Column("merchant_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("number", Integer, nullable=False, comment="the last part of the operation key"),
    Column("amount_minor", BigInteger, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("refusal", Text, comment="why it was not carried out, for the merchant"),
    moment("created_at"),
    moment("updated_at"),
    ForeignKeyConstraint(["payment_id"], ["payments.id"], name="fk_payment_commands_payment"),
    UniqueConstraint("payment_id", "kind", "number"),
    CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
    CheckConstraint(one_of("kind", CommandKind), name="kind_known"),
    CheckConstraint(one_of("status", CommandStatus), name="status_known"),
)
