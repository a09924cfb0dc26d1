"""The books: accounts, transactions and their entries. Triggers keep them balanced and append-only."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from clearway.db.tables.base import metadata, moment

ledger_accounts = Table(
    "ledger_accounts",
    metadata,
    Column("code", Text, nullable=False),
    Column("currency", Text, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("code", "currency"),
)

ledger_transactions = Table(
    "ledger_transactions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("reference", Text, nullable=False, unique=True, comment="names the movement: it is booked once"),
    Column("payment_id", Text, ForeignKey("payments.id"), index=True, comment="null: of no one payment, as a payout"),
    Column("refund_id", Text, ForeignKey("refunds.id")),
    moment("created_at"),
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
