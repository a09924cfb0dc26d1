"""Every table, with the constraints that hold the invariants whatever the code does.

Triggers (a balanced ledger, append-only tables) are in `migrations/`: they are SQL, not metadata. A test compares the
migrated database with this module.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from clearway.domain.delivery import DeliveryStatus
from clearway.domain.endpoint import EndpointStatus
from clearway.domain.order import OrderStatus
from clearway.domain.payment import HOLDS_ORDER, CaptureMethod, PaymentMethod, PaymentStatus
from clearway.domain.refund import RefundStatus

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _one_of(column: str, values: type[StrEnum] | frozenset[PaymentStatus]) -> str:
    listed = ", ".join(f"'{value.value}'" for value in sorted(values))
    return f"{column} IN ({listed})"


def _moment(name: str, *, nullable: bool = False) -> Column[object]:
    if nullable:
        return Column(name, DateTime(timezone=True))
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


merchants = Table(
    "merchants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    _moment("created_at"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True, comment="the public half, sent as X-Api-Key"),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False, index=True),
    Column("secret_hash", LargeBinary, nullable=False, comment="HMAC-SHA256 of the secret with the pepper"),
    _moment("created_at"),
    _moment("revoked_at", nullable=True),
)

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
    _moment("created_at"),
    _moment("updated_at"),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
    CheckConstraint(_one_of("status", OrderStatus), name="status_known"),
    UniqueConstraint("id", "merchant_id", "currency"),
    Index("ix_orders_merchant_id_id", "merchant_id", text("id DESC")),
    Index("ix_orders_merchant_id_status_id", "merchant_id", "status", text("id DESC")),
    Index("ix_orders_merchant_id_receipt", "merchant_id", "receipt"),
)

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
    Column("gateway", Text, nullable=False),
    Column("gateway_reference", Text),
    Column("instrument", JSONB, nullable=False, comment="what may be shown of it: vpa, card summary, bank, wallet"),
    Column("customer", JSONB(none_as_null=True)),
    Column("notes", JSONB, nullable=False, server_default=text("'{}'")),
    Column("action_url", Text),
    Column("error_code", Text),
    Column("error_description", Text),
    Column("version", Integer, nullable=False, server_default="0", comment="counts the moves of the state machine"),
    Column("last_step", Text, nullable=False, server_default="created"),
    _moment("created_at"),
    _moment("updated_at"),
    ForeignKeyConstraint(
        ["order_id", "merchant_id", "currency"],
        ["orders.id", "orders.merchant_id", "orders.currency"],
        name="fk_payments_order",
    ),
    UniqueConstraint("id", "merchant_id", "currency"),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint("captured_minor BETWEEN 0 AND amount_minor", name="captured_within_amount"),
    CheckConstraint("refunded_minor >= 0 AND refund_pending_minor >= 0", name="refunds_not_negative"),
    CheckConstraint("refunded_minor + refund_pending_minor <= captured_minor", name="refunds_within_captured"),
    CheckConstraint("status <> 'success' OR captured_minor > 0", name="success_is_captured"),
    CheckConstraint("status NOT IN ('failed', 'cancelled', 'expired') OR captured_minor = 0", name="ended_uncaptured"),
    CheckConstraint(_one_of("status", PaymentStatus), name="status_known"),
    CheckConstraint(_one_of("method", PaymentMethod), name="method_known"),
    CheckConstraint(_one_of("capture_method", CaptureMethod), name="capture_method_known"),
    Index("ix_payments_merchant_id_id", "merchant_id", text("id DESC")),
    Index("ix_payments_merchant_id_status_id", "merchant_id", "status", text("id DESC")),
    Index("ix_payments_merchant_id_method_id", "merchant_id", "method", text("id DESC")),
    Index("ix_payments_merchant_id_currency_amount_minor", "merchant_id", "currency", "amount_minor"),
    Index("ix_payments_merchant_id_created_at", "merchant_id", "created_at"),
    Index("ix_payments_order_id", "order_id"),
    # One exact look-up each for the search of payments: what people have at hand when they ask about one.
    Index("ix_payments_merchant_id_vpa", "merchant_id", text("lower(instrument ->> 'vpa')")),
    Index("ix_payments_merchant_id_email", "merchant_id", text("lower(customer ->> 'email')")),
    Index("ix_payments_gateway_reference", "gateway", "gateway_reference"),
    Index(
        "uq_payments_order_taken",
        "order_id",
        unique=True,
        postgresql_where=text(_one_of("status", HOLDS_ORDER)),
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
    _moment("created_at"),
    ForeignKeyConstraint(
        ["payment_id", "merchant_id", "currency"],
        ["payments.id", "payments.merchant_id", "payments.currency"],
        name="fk_captures_payment",
    ),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    Index("ix_captures_payment_id_id", "payment_id", "id"),
)

refunds = Table(
    "refunds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("payment_id", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("gateway", Text, nullable=False),
    Column("gateway_reference", Text),
    Column("error_code", Text),
    Column("error_description", Text),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("last_step", Text, nullable=False, server_default="created"),
    _moment("created_at"),
    _moment("updated_at"),
    ForeignKeyConstraint(
        ["payment_id", "merchant_id", "currency"],
        ["payments.id", "payments.merchant_id", "payments.currency"],
        name="fk_refunds_payment",
    ),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint(_one_of("status", RefundStatus), name="status_known"),
    Index("ix_refunds_merchant_id_id", "merchant_id", text("id DESC")),
    Index("ix_refunds_merchant_id_status_id", "merchant_id", "status", text("id DESC")),
    Index("ix_refunds_payment_id_id", "payment_id", "id"),
)

ledger_accounts = Table(
    "ledger_accounts",
    metadata,
    Column("code", Text, nullable=False),
    Column("currency", Text, nullable=False),
    _moment("created_at"),
    PrimaryKeyConstraint("code", "currency"),
)

ledger_transactions = Table(
    "ledger_transactions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("reference", Text, nullable=False, unique=True, comment="names the movement: it is booked once"),
    Column("payment_id", Text, ForeignKey("payments.id"), nullable=False, index=True),
    Column("refund_id", Text, ForeignKey("refunds.id")),
    _moment("created_at"),
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("transaction_id", Text, ForeignKey("ledger_transactions.id"), nullable=False),
    Column("line", Integer, nullable=False),
    Column("account", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False, comment="debit positive, credit negative"),
    PrimaryKeyConstraint("transaction_id", "line"),
    ForeignKeyConstraint(
        ["account", "currency"], ["ledger_accounts.code", "ledger_accounts.currency"], name="fk_ledger_entries_account"
    ),
    CheckConstraint("amount_minor <> 0", name="amount_not_zero"),
    Index("ix_ledger_entries_account_currency", "account", "currency"),
)

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
    _moment("created_at"),
    Index("ix_events_merchant_id_id", "merchant_id", text("id DESC")),
    Index("ix_events_merchant_id_type_id", "merchant_id", "type", text("id DESC")),
    Index(
        "uq_events_payment_step", "payment_id", "step", "type", unique=True, postgresql_where=text("refund_id IS NULL")
    ),
    Index("uq_events_refund_step", "refund_id", "step", "type", unique=True),
)

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text),
    Column("event_types", ARRAY(Text), nullable=False, comment="empty: all of them"),
    Column("status", Text, nullable=False, server_default=EndpointStatus.ENABLED.value),
    Column("disabled_reason", Text),
    Column("retry_intervals_s", ARRAY(Integer), comment="null: the installation's schedule"),
    Column("secret", Text, nullable=False, comment="encrypted"),
    Column("previous_secret", Text, comment="encrypted; signs beside the new one until it expires"),
    _moment("previous_secret_expires_at", nullable=True),
    _moment("created_at"),
    _moment("updated_at"),
    _moment("deleted_at", nullable=True),
    CheckConstraint(_one_of("status", EndpointStatus), name="status_known"),
    Index("ix_webhook_endpoints_merchant_id", "merchant_id", "id", postgresql_where=text("deleted_at IS NULL")),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("event_id", Text, ForeignKey("events.id"), nullable=False),
    Column("endpoint_id", Text, ForeignKey("webhook_endpoints.id"), nullable=False),
    Column("event_type", Text, nullable=False),
    Column("payment_id", Text),
    Column("status", Text, nullable=False, server_default=DeliveryStatus.PENDING.value),
    Column("attempt_count", Integer, nullable=False, server_default="0"),
    _moment("next_attempt_at", nullable=True),
    Column("last_response_status", Integer),
    Column("last_error", Text),
    _moment("created_at"),
    _moment("updated_at"),
    CheckConstraint(_one_of("status", DeliveryStatus), name="status_known"),
    UniqueConstraint("event_id", "endpoint_id"),
    Index("ix_webhook_deliveries_merchant_id_id", "merchant_id", text("id DESC")),
    Index("ix_webhook_deliveries_merchant_id_status_id", "merchant_id", "status", text("id DESC")),
    Index("ix_webhook_deliveries_merchant_id_event_type_id", "merchant_id", "event_type", text("id DESC")),
    Index("ix_webhook_deliveries_payment_id_id", "payment_id", "id"),
    Index("ix_webhook_deliveries_endpoint_id", "endpoint_id"),
    Index("ix_webhook_deliveries_open", "created_at", postgresql_where=text("status = 'pending'")),
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("delivery_id", Text, ForeignKey("webhook_deliveries.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("url", Text, nullable=False),
    Column("request_headers", JSONB, nullable=False),
    Column("response_status", Integer),
    Column("response_headers", JSONB(none_as_null=True)),
    Column("response_body", Text),
    Column("error_code", Text),
    Column("error", Text),
    Column("duration_ms", Integer, nullable=False),
    _moment("created_at"),
    PrimaryKeyConstraint("delivery_id", "number"),
)

provider_events = Table(
    "provider_events",
    metadata,
    Column("gateway", Text, nullable=False),
    Column("event_id", Text, nullable=False, comment="the gateway's; a repeat is recognised by it"),
    Column("operation_key", Text, nullable=False),
    Column("workflow_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("disposition", Text, nullable=False, server_default="received"),
    _moment("received_at"),
    PrimaryKeyConstraint("gateway", "event_id"),
    Index("ix_provider_events_workflow_id", "workflow_id"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("merchant_id", Text, ForeignKey("merchants.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False, comment="keyed hash of method, path and body"),
    Column("resource_id", Text, nullable=False, comment="allocated for the key before anything is done"),
    Column("response_status", Integer),
    Column("response_body", LargeBinary),
    _moment("created_at"),
    PrimaryKeyConstraint("merchant_id", "key"),
    Index("ix_idempotency_keys_created_at", "created_at"),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'")),
    Column("request_id", Text),
    _moment("created_at"),
    Index("ix_audit_log_merchant_id_id", "merchant_id", text("id DESC")),
    Index("ix_audit_log_subject", "subject"),
)
