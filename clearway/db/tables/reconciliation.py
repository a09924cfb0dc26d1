"""Reconciliation: runs, what gateways report (operations, balance rows, payouts), bank lines, imports, and items.

Balance rows and corrections are append-only: triggers in the migration refuse changes, except that a row is matched and
booked once. The other tables hold the latest state that the gateway reports.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from clearway.db.tables.base import metadata, moment, one_of
from clearway.domain.reconciliation import Comparison, ItemKind, ItemState, RunStatus, Severity, Step
from clearway.domain.settlement import BalanceKind, PayoutStatus

OPEN_ITEM: Final = text("state = 'open'")


def _of_gateway(table: str) -> tuple[Any, ...]:
    return (
        Column("gateway_id", Text, nullable=False),
        Column("merchant_id", Text, nullable=False),
        ForeignKeyConstraint(
            ["gateway_id", "merchant_id"],
            ["gateway_configs.id", "gateway_configs.merchant_id"],
            name=f"fk_{table}_gateway",
        ),
    )


reconciliations = Table(
    "reconciliations",
    metadata,
    Column("id", Text, primary_key=True),
    *_of_gateway("reconciliations"),
    moment("since"),
    moment("until"),
    Column("status", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("cursor", Text, comment="where the next page of the step begins"),
    Column("pages", Integer, nullable=False, server_default="0", comment="counts the pages: a page is written once"),
    Column("counts", JSONB, nullable=False, server_default=text("'{}'")),
    Column("failure", Text),
    Column("created_by", Text, nullable=False),
    moment("started_at"),
    moment("updated_at"),
    moment("ended_at", nullable=True),
    CheckConstraint("since < until", name="period_not_empty"),
    CheckConstraint(one_of("status", RunStatus), name="status_known"),
    CheckConstraint(one_of("step", Step), name="step_known"),
    CheckConstraint("(status = 'running') = (ended_at IS NULL)", name="ended_when_done"),
    Index("ix_reconciliations_merchant_id_id", "merchant_id", text("id DESC")),
    Index("uq_reconciliations_running", "gateway_id", unique=True, postgresql_where=text("status = 'running'")),
    Index("ix_reconciliations_gateway_id_until", "gateway_id", "until"),
)

gateway_operations = Table(
    "gateway_operations",
    metadata,
    *_of_gateway("gateway_operations"),
    Column("id", Text, nullable=False, comment="our operation key, or the gateway's id where it has none"),
    Column("kind", Text, nullable=False),
    Column("operation_key", Text),
    Column("payment_id", Text, comment="as the gateway reports it: it may be of nobody"),
    Column("reference", Text),
    Column("outcome", Text, nullable=False),
    Column("captured", Boolean, nullable=False),
    Column("amount_minor", BigInteger),
    Column("currency", Text),
    moment("created_at"),
    Column("reconciliation_id", Text, ForeignKey("reconciliations.id"), nullable=False, comment="which listed it last"),
    moment("listed_at"),
    PrimaryKeyConstraint("gateway_id", "id"),
    Index("ix_gateway_operations_reconciliation_id_id", "reconciliation_id", "id"),
    Index("ix_gateway_operations_payment_id", "gateway_id", "payment_id"),
)

settlement_imports = Table(
    "settlement_imports",
    metadata,
    Column("id", Text, primary_key=True),
    *_of_gateway("settlement_imports"),
    Column("target", Text, nullable=False),
    Column("digest", Text, nullable=False, comment="of the file: the same file is imported once"),
    Column("columns", JSONB, nullable=False, comment="the column map"),
    Column("rows", Integer, nullable=False),
    Column("added", Integer, nullable=False, comment="rows that were not there before"),
    Column("created_by", Text, nullable=False),
    moment("created_at"),
    UniqueConstraint("gateway_id", "target", "digest"),
    CheckConstraint("target IN ('balance_rows', 'bank_lines')", name="target_known"),
)

settlement_rows = Table(
    "settlement_rows",
    metadata,
    *_of_gateway("settlement_rows"),
    Column("id", Text, nullable=False, comment="the gateway's"),
    Column("kind", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("gross_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("net_minor", BigInteger, nullable=False),
    Column("customer_minor", BigInteger),
    Column("customer_currency", Text),
    Column("exchange_rate", Numeric(24, 12)),
    Column("source", Text, comment="the gateway's id of the operation"),
    Column("payment_reference", Text),
    Column("operation_key", Text),
    Column("claimed_payment_id", Text, comment="our payment id as the gateway reports it"),
    moment("created_at"),
    moment("available_at", nullable=True),
    moment("listed_at"),
    Column("import_id", Text, ForeignKey("settlement_imports.id"), comment="null: listed by the gateway"),
    Column("payment_id", Text, ForeignKey("payments.id"), comment="set once, when it is matched"),
    Column("refund_id", Text, ForeignKey("refunds.id")),
    Column("booked_to", Text, comment="the account that the row is booked against; null: not booked yet"),
    moment("booked_at", nullable=True),
    PrimaryKeyConstraint("gateway_id", "id"),
    CheckConstraint(one_of("kind", BalanceKind), name="kind_known"),
    CheckConstraint("net_minor = gross_minor - fee_minor", name="net_is_gross_less_fee"),
    CheckConstraint("(booked_at IS NULL) = (booked_to IS NULL)", name="booked_in_full"),
    Index("ix_settlement_rows_payment_id", "payment_id"),
    Index("ix_settlement_rows_refund_id", "refund_id"),
    Index("ix_settlement_rows_created_at", "gateway_id", "created_at"),
    Index(
        "ix_settlement_rows_unbooked",
        "gateway_id",
        "id",
        postgresql_where=text("booked_to IS NULL OR booked_to = 'unmatched'"),
    ),
)

payouts = Table(
    "payouts",
    metadata,
    *_of_gateway("payouts"),
    Column("id", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("bank_reference", Text),
    moment("created_at"),
    moment("arrives_at", nullable=True),
    moment("listed_at"),
    PrimaryKeyConstraint("gateway_id", "id"),
    CheckConstraint(one_of("status", PayoutStatus), name="status_known"),
    Index("ix_payouts_created_at", "gateway_id", "created_at"),
)

payout_rows = Table(
    "payout_rows",
    metadata,
    *_of_gateway("payout_rows"),
    Column("payout_id", Text, nullable=False),
    Column("row_id", Text, nullable=False),
    PrimaryKeyConstraint("gateway_id", "payout_id", "row_id"),
    ForeignKeyConstraint(
        ["gateway_id", "payout_id"], ["payouts.gateway_id", "payouts.id"], name="fk_payout_rows_payout"
    ),
)

bank_lines = Table(
    "bank_lines",
    metadata,
    *_of_gateway("bank_lines"),
    Column("id", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reference", Text),
    moment("booked_at"),
    moment("listed_at"),
    Column("import_id", Text, ForeignKey("settlement_imports.id"), nullable=False),
    Column("payout_id", Text, comment="set once, when it is matched"),
    PrimaryKeyConstraint("gateway_id", "id"),
    Index("ix_bank_lines_unmatched", "gateway_id", "id", postgresql_where=text("payout_id IS NULL")),
)

reconciliation_items = Table(
    "reconciliation_items",
    metadata,
    Column("id", Text, primary_key=True),
    *_of_gateway("reconciliation_items"),
    Column("reconciliation_id", Text, ForeignKey("reconciliations.id"), nullable=False, comment="which found it first"),
    Column("comparison", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    Column("at_risk_minor", BigInteger, nullable=False),
    Column("expected_minor", BigInteger),
    Column("found_minor", BigInteger),
    Column("currency", Text),
    Column("payment_id", Text),
    Column("refund_id", Text),
    Column("reference", Text),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'")),
    moment("opened_at"),
    moment("closed_at", nullable=True),
    CheckConstraint(one_of("comparison", Comparison), name="comparison_known"),
    CheckConstraint(one_of("kind", ItemKind), name="kind_known"),
    CheckConstraint(one_of("severity", Severity), name="severity_known"),
    CheckConstraint(one_of("state", ItemState), name="state_known"),
    CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed_in_full"),
    Index("ix_reconciliation_items_merchant_id_id", "merchant_id", text("id DESC")),
    Index("ix_reconciliation_items_gateway_id_subject", "gateway_id", "subject"),
    Index(
        "uq_reconciliation_items_open",
        "gateway_id",
        "comparison",
        "subject",
        "kind",
        unique=True,
        postgresql_where=OPEN_ITEM,
    ),
    Index("ix_reconciliation_items_open", "merchant_id", text("id DESC"), postgresql_where=OPEN_ITEM),
    Index("ix_reconciliation_items_reconciliation_id", "reconciliation_id"),
)

reconciliation_corrections = Table(
    "reconciliation_corrections",
    metadata,
    Column("id", Text, primary_key=True),
    Column("merchant_id", Text, nullable=False),
    Column("item_id", Text, ForeignKey("reconciliation_items.id"), nullable=False, index=True),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("ledger_reference", Text, comment="of the transaction that books it, if any"),
    moment("created_at"),
    CheckConstraint(one_of("outcome", frozenset(ItemState) - {ItemState.OPEN}), name="outcome_known"),
)
