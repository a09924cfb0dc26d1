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
from clearway.db.tables.invitations import invitations
from clearway.db.tables.ledger import ledger_accounts, ledger_entries, ledger_transactions
from clearway.db.tables.mails import mails
from clearway.db.tables.merchants import accounts, api_keys, merchants
from clearway.db.tables.notices import notice_choices, notice_rounds
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
from clearway.db.tables.request_log import request_log
from clearway.db.tables.reviews import reviews
from clearway.db.tables.routing import gateway_breakers, gateway_usage, routing_versions
from clearway.db.tables.saved_views import saved_views
from clearway.db.tables.settings import merchant_settings
from clearway.db.tables.users import (
    mail_requests,
    memberships,
    one_time_tokens,
    recovery_codes,
    refresh_tokens,
    sessions,
    sign_in_failures,
    users,
)

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
    "invitations",
    "ledger_accounts",
    "ledger_entries",
    "ledger_transactions",
    "mail_requests",
    "mails",
    "memberships",
    "merchant_settings",
    "merchants",
    "metadata",
    "notice_choices",
    "notice_rounds",
    "one_time_tokens",
    "orders",
    "payment_attempts",
    "payment_commands",
    "payments",
    "payout_rows",
    "payouts",
    "reconciliation_corrections",
    "reconciliation_items",
    "reconciliations",
    "recovery_codes",
    "refresh_tokens",
    "refunds",
    "request_log",
    "reviews",
    "routing_versions",
    "saved_views",
    "sessions",
    "settlement_imports",
    "settlement_rows",
    "sign_in_failures",
    "users",
    "webhook_attempts",
    "webhook_deliveries",
    "webhook_endpoints",
    "webhook_recoveries",
]
