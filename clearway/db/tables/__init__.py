"""Every table, with constraints that enforce the invariants independently of the code. One module for each noun.

Triggers (a balanced ledger, append-only tables) are in `migrations/`: they are SQL, not metadata. A test compares the
migrated database with these modules.
"""

from __future__ import annotations

from clearway.db.tables.audit import audit_log
from clearway.db.tables.base import metadata
from clearway.db.tables.cards import card_declines
from clearway.db.tables.deliveries import (
    webhook_attempts,
    webhook_deliveries,
    webhook_endpoints,
    webhook_recoveries,
)
from clearway.db.tables.errors import error_overrides
from clearway.db.tables.events import events
from clearway.db.tables.fx import fx_quotes, fx_rates
from clearway.db.tables.gateway_calls import gateway_calls
from clearway.db.tables.gateway_events import gateway_events
from clearway.db.tables.gateway_health import gateway_health, gateway_health_checks
from clearway.db.tables.gateways import gateway_configs
from clearway.db.tables.idempotency import idempotency_keys
from clearway.db.tables.ledger import ledger_accounts, ledger_entries, ledger_transactions
from clearway.db.tables.merchants import accounts, api_keys, merchants
from clearway.db.tables.orders import orders
from clearway.db.tables.payments import captures, payment_attempts, payment_commands, payments
from clearway.db.tables.reconciliation import (
    bank_lines,
    gateway_operations,
    payout_rows,
    payouts,
    reconciliation_corrections,
    reconciliation_items,
    reconciliations,
    settlement_imports,
    settlement_rows,
)
from clearway.db.tables.refunds import refunds
from clearway.db.tables.reviews import reviews
from clearway.db.tables.routing import gateway_breakers, gateway_usage, routing_versions

__all__ = [
    "accounts",
    "api_keys",
    "audit_log",
    "bank_lines",
    "captures",
    "card_declines",
    "error_overrides",
    "events",
    "fx_quotes",
    "fx_rates",
    "gateway_breakers",
    "gateway_calls",
    "gateway_configs",
    "gateway_events",
    "gateway_health",
    "gateway_health_checks",
    "gateway_operations",
    "gateway_usage",
    "idempotency_keys",
    "ledger_accounts",
    "ledger_entries",
    "ledger_transactions",
    "merchants",
    "metadata",
    "orders",
    "payment_attempts",
    "payment_commands",
    "payments",
    "payout_rows",
    "payouts",
    "reconciliation_corrections",
    "reconciliation_items",
    "reconciliations",
    "refunds",
    "reviews",
    "routing_versions",
    "settlement_imports",
    "settlement_rows",
    "webhook_attempts",
    "webhook_deliveries",
    "webhook_endpoints",
    "webhook_recoveries",
]
