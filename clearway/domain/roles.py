"""Roles of the members of an account, and the permissions of each: the only such table.

A membership belongs to an account, so a role holds for its live and its test merchant. In test mode no money moves, so
some roles may do more there. An operator runs the installation: a flag of the user, beside any memberships.
docs/roles.md shows this table.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from clearway.domain.merchant import Mode
from clearway.domain.permissions import ALL, MEANING, Permission


class Role(StrEnum):
    """The role of a member, from most to least permissions."""

    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    FINANCE = "finance"
    SUPPORT = "support"
    VIEWER = "viewer"


ROLE_MEANING: Final = {
    Role.OWNER: "Everything. Only an owner can make, change or remove an owner.",
    Role.ADMIN: "Everything but the export of gateway credentials, and the owners.",
    Role.DEVELOPER: "Integrates: keys, webhooks, gateways, routing. Moves money in test mode only.",
    Role.FINANCE: "Refunds, captures, reviews, reconciliation, exports.",
    Role.SUPPORT: "Helps customers: finds payments, refunds, sends webhooks again.",
    Role.VIEWER: "Looks, and changes nothing.",
}

_VIEWED: Final = frozenset(
    {
        Permission.ORDERS_READ,
        Permission.PAYMENTS_READ,
        Permission.REFUNDS_READ,
        Permission.ENDPOINTS_READ,
        Permission.DELIVERIES_READ,
        Permission.EVENTS_READ,
        Permission.GATEWAYS_READ,
        Permission.GATEWAY_EVENTS_READ,
        Permission.KEYS_READ,
        Permission.RECONCILIATIONS_READ,
        Permission.ROUTING_READ,
        Permission.STATISTICS_READ,
        Permission.SETTINGS_READ,
        Permission.NOTICES_READ,
        Permission.SAVED_VIEWS_READ,
        Permission.MEMBERS_READ,
    }
)
_MOVING_MONEY: Final = frozenset(
    {
        Permission.PAYMENTS_WRITE,
        Permission.PAYMENTS_CAPTURE,
        Permission.PAYMENTS_CANCEL,
        Permission.REFUNDS_WRITE,
        Permission.REVIEWS_RESOLVE,
    }
)

ROLES: Final = {
    Role.OWNER: ALL,
    Role.ADMIN: ALL - {Permission.GATEWAYS_EXPORT},
    Role.DEVELOPER: _VIEWED
    | {
        Permission.ORDERS_WRITE,
        Permission.ENDPOINTS_WRITE,
        Permission.DELIVERIES_WRITE,
        Permission.GATEWAYS_WRITE,
        Permission.GATEWAY_EVENTS_WRITE,
        Permission.KEYS_WRITE,
        Permission.ROUTING_WRITE,
        Permission.REQUEST_LOG_READ,
    },
    Role.FINANCE: _VIEWED
    | {
        Permission.PAYMENTS_CAPTURE,
        Permission.PAYMENTS_CANCEL,
        Permission.REFUNDS_WRITE,
        Permission.REVIEWS_RESOLVE,
        Permission.RECONCILIATIONS_WRITE,
        Permission.RECONCILIATIONS_RESOLVE,
        Permission.EXPORTS_WRITE,
        Permission.AUDIT_READ,
    },
    Role.SUPPORT: _VIEWED | {Permission.ORDERS_WRITE, Permission.REFUNDS_WRITE, Permission.DELIVERIES_WRITE},
    Role.VIEWER: _VIEWED,
}
"""What each role may do, in both modes."""

IN_TEST_MODE: Final = {Role.DEVELOPER: _MOVING_MONEY | {Permission.TESTING_WRITE}}
"""What a role may do beside that, where no money moves."""

OPERATOR: Final = _VIEWED | {
    Permission.AUDIT_READ,
    Permission.REQUEST_LOG_READ,
    Permission.REVIEWS_RESOLVE,
    Permission.DELIVERIES_WRITE,
    Permission.GATEWAY_EVENTS_WRITE,
    Permission.RECONCILIATIONS_WRITE,
    Permission.RECONCILIATIONS_RESOLVE,
}
"""What an operator may do for any merchant, beside what their role allows if they are a member: look, and repair."""

assert ROLES.keys() == ROLE_MEANING.keys() == set(Role), "every role has its permissions and its sentence"
assert all(ROLES[role] <= MEANING.keys() for role in Role)


def permissions_of_role(role: Role, mode: Mode) -> frozenset[Permission]:
    """Return what a member with this role may do for the account's merchant of this mode."""
    own = ROLES[role]
    return own if mode is Mode.LIVE else own | IN_TEST_MODE.get(role, frozenset())


def may_give(acting: frozenset[Permission], role: Role) -> bool:
    """Return whether somebody with these permissions may give, change or take away this role.

    Nobody gives more than they have, in either mode. So a role with all permissions is in the hands of owners only.
    """
    return permissions_of_role(role, Mode.TEST) <= acting
