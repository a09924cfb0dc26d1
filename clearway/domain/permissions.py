"""Permissions of a caller: one for each kind of act, with a sentence for people.

A route requires one permission. An API key has some of them, or all; a member has those of the role
(`clearway.domain.roles`). A permission is never renamed: keys store names.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """A permission: noun and verb. API keys store this name."""

    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    PAYMENTS_READ = "payments:read"
    PAYMENTS_WRITE = "payments:write"
    PAYMENTS_CAPTURE = "payments:capture"
    PAYMENTS_CANCEL = "payments:cancel"
    PAYMENTS_FORGET = "payments:forget"
    REFUNDS_READ = "refunds:read"
    REFUNDS_WRITE = "refunds:write"
    REVIEWS_RESOLVE = "reviews:resolve"
    ENDPOINTS_READ = "endpoints:read"
    ENDPOINTS_WRITE = "endpoints:write"
    DELIVERIES_READ = "deliveries:read"
    DELIVERIES_WRITE = "deliveries:write"
    EVENTS_READ = "events:read"
    GATEWAYS_READ = "gateways:read"
    GATEWAYS_WRITE = "gateways:write"
    GATEWAYS_EXPORT = "gateways:export"
    GATEWAY_EVENTS_READ = "gateway_events:read"
    GATEWAY_EVENTS_WRITE = "gateway_events:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    RECONCILIATIONS_READ = "reconciliations:read"
    RECONCILIATIONS_WRITE = "reconciliations:write"
    RECONCILIATIONS_RESOLVE = "reconciliations:resolve"
    ROUTING_READ = "routing:read"
    ROUTING_WRITE = "routing:write"
    STATISTICS_READ = "statistics:read"
    EXPORTS_WRITE = "exports:write"
    REQUEST_LOG_READ = "request_log:read"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    NOTICES_READ = "notices:read"
    SAVED_VIEWS_READ = "saved_views:read"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    AUDIT_READ = "audit:read"
    TESTING_WRITE = "testing:write"


MEANING: Final = {
    Permission.ORDERS_READ: "Read and list orders.",
    Permission.ORDERS_WRITE: "Create orders.",
    Permission.PAYMENTS_READ: "Read and list payments, their history and the webhooks about them.",
    Permission.PAYMENTS_WRITE: "Create payments, which charges customers.",
    Permission.PAYMENTS_CAPTURE: "Capture authorised payments.",
    Permission.PAYMENTS_CANCEL: "Cancel payments and release what is not captured.",
    Permission.PAYMENTS_FORGET: "Permanently remove the personal data of payments that have ended.",
    Permission.REFUNDS_READ: "Read and list refunds.",
    Permission.REFUNDS_WRITE: "Create refunds, which pays money back.",
    Permission.REVIEWS_RESOLVE: "Decide payments and refunds in needs_review, which changes the ledger.",
    Permission.ENDPOINTS_READ: "Read and list webhook endpoints.",
    Permission.ENDPOINTS_WRITE: (
        "Register, change, delete and test webhook endpoints and rotate their secrets. "
        "An endpoint receives every event, so this allows reading everything that events show."
    ),
    Permission.DELIVERIES_READ: "Read and list webhook deliveries, with the bodies that were sent.",
    Permission.DELIVERIES_WRITE: "Send webhooks again.",
    Permission.EVENTS_READ: "Read and list events.",
    Permission.GATEWAYS_READ: "Read and list gateways, without their credentials.",
    Permission.GATEWAYS_WRITE: (
        "Connect, change, test, enable, disable and delete gateways, which decides where the money goes."
    ),
    Permission.GATEWAYS_EXPORT: "Export all gateways with their credentials, encrypted with a passphrase.",
    Permission.GATEWAY_EVENTS_READ: "Read and list what gateways sent, without the bodies.",
    Permission.GATEWAY_EVENTS_WRITE: "Process stored gateway events again.",
    Permission.KEYS_READ: "List API keys, without their secrets.",
    Permission.KEYS_WRITE: "Create, rotate and revoke API keys. A new key cannot exceed the key that creates it.",
    Permission.RECONCILIATIONS_READ: "Read reconciliations and the differences that they found.",
    Permission.RECONCILIATIONS_WRITE: "Start reconciliations, and import balance rows and bank lines.",
    Permission.RECONCILIATIONS_RESOLVE: (
        "Explain, correct and write off differences, which may book them in the ledger."
    ),
    Permission.ROUTING_READ: "Read routing rules, and explain where a payment would go.",
    Permission.ROUTING_WRITE: (
        "Write, activate and roll back routing rules and reset circuit breakers. "
        "This decides which gateway charges your customers."
    ),
    Permission.STATISTICS_READ: "Read the figures of payments, refunds, webhooks and gateways.",
    Permission.EXPORTS_WRITE: "Export lists as files, with the customers' data that the lists show.",
    Permission.REQUEST_LOG_READ: "Read the log of API requests, with masked bodies.",
    Permission.SETTINGS_READ: "Read the settings: name, branding, allowed origins, time zone, security.",
    Permission.SETTINGS_WRITE: (
        "Change the settings: what customers see at the checkout, and how members must sign in."
    ),
    Permission.NOTICES_READ: "Choose which notices about the merchant are mailed to oneself.",
    Permission.SAVED_VIEWS_READ: "Save one's own views of lists: filters and columns under a name.",
    Permission.MEMBERS_READ: "List the members of the account and the open invitations.",
    Permission.MEMBERS_WRITE: "Invite and remove members and change their roles, up to one's own permissions.",
    Permission.AUDIT_READ: "Read and export the audit log.",
    Permission.TESTING_WRITE: "Switch faults of the simulator and make test data, for test merchants only.",
}

ALL: Final = frozenset(Permission)
EVERYTHING: Final = "*"
"""What a key stores when it has all current and future permissions."""

assert MEANING.keys() == ALL, "every permission has its sentence"


def permissions_of(stored: Iterable[str] | None) -> frozenset[Permission]:
    """Return the permissions that a key stores; None means all. A name that no longer exists allows nothing."""
    return ALL if stored is None else frozenset(permission for permission in Permission if permission in set(stored))
