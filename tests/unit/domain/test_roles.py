"""Roles: who may do what, and who may give which role."""

from __future__ import annotations

import pytest

from clearway.domain.merchant import Mode
from clearway.domain.permissions import ALL, Permission
from clearway.domain.roles import IN_TEST_MODE, OPERATOR, ROLES, Role, may_give, permissions_of_role

CHANGES = frozenset(permission for permission in Permission if not permission.value.endswith(":read"))
MONEY = {
    Permission.PAYMENTS_WRITE,
    Permission.PAYMENTS_CAPTURE,
    Permission.PAYMENTS_CANCEL,
    Permission.REFUNDS_WRITE,
    Permission.GATEWAYS_EXPORT,
    Permission.KEYS_WRITE,
    Permission.MEMBERS_WRITE,
}


def test_a_viewer_changes_nothing() -> None:
    """Not even in test mode."""
    for mode in Mode:
        assert not permissions_of_role(Role.VIEWER, mode) & CHANGES


def test_only_an_owner_has_everything() -> None:
    """Other roles lack something in every mode."""
    assert [role for role in Role if permissions_of_role(role, Mode.TEST) == ALL] == [Role.OWNER]
    assert Permission.GATEWAYS_EXPORT not in ROLES[Role.ADMIN]


def test_live_money_is_moved_by_no_developer() -> None:
    """A developer captures, cancels and refunds in test mode only; no role loses anything in test mode."""
    live = permissions_of_role(Role.DEVELOPER, Mode.LIVE)
    assert not live & IN_TEST_MODE[Role.DEVELOPER]
    assert permissions_of_role(Role.DEVELOPER, Mode.TEST) >= live | {Permission.REFUNDS_WRITE}


def test_an_operator_looks_and_repairs() -> None:
    """No payment, refund, key, member or credential of a merchant is in an operator's hands."""
    assert not OPERATOR & MONEY


@pytest.mark.parametrize("role", Role)
def test_owners_are_made_by_owners_only(role: Role) -> None:
    """Nobody but an owner gives the role of an owner; whoever may manage members gives what is below."""
    acting = permissions_of_role(role, Mode.LIVE)
    assert may_give(acting, Role.OWNER) == (role is Role.OWNER)
    if role is Role.ADMIN:
        assert all(may_give(acting, below) for below in Role if below is not Role.OWNER)


def test_a_key_gives_no_role_beyond_its_permissions() -> None:
    """A key that may only invite cannot make a member who may refund."""
    acting = frozenset({Permission.MEMBERS_WRITE}) | ROLES[Role.VIEWER]
    assert may_give(acting, Role.VIEWER)
    assert not may_give(acting, Role.SUPPORT)
