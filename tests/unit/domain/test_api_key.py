"""Grants: one key gives no more than it has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clearway.domain.api_key import Grant
from clearway.domain.permissions import ALL, Permission, permissions_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIMITED = Grant(("payments:read", "refunds:write"), ("203.0.113.0/24", "2001:db8::/32"), NOW)


def test_no_list_means_all_permissions() -> None:
    """None stands for all there are; a name that no longer exists allows nothing."""
    assert permissions_of(None) == ALL
    assert permissions_of(["payments:read", "gone:write"]) == {Permission.PAYMENTS_READ}
    assert Grant(()).allowed == frozenset()


def test_everything_gives_anything() -> None:
    """A key without limits may create any key."""
    assert Grant().excess(LIMITED) is None
    assert Grant().excess(Grant()) is None


@pytest.mark.parametrize(
    "asked",
    [
        LIMITED,
        Grant(("payments:read",), ("203.0.113.9/32",), NOW - timedelta(days=1)),
        Grant((), ("2001:db8:1::/48",), NOW),
    ],
)
def test_as_much_or_less_may_be_given(asked: Grant) -> None:
    """Fewer permissions, smaller networks, an earlier end."""
    assert LIMITED.excess(asked) is None


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        (Grant(None, LIMITED.networks, NOW), "all permissions"),
        (Grant(("payments:read", "payments:write"), LIMITED.networks, NOW), "payments:write"),
        (Grant((), (), NOW), "addresses"),
        (Grant((), ("203.0.112.0/23",), NOW), "addresses"),
        (Grant((), ("0.0.0.0/0",), NOW), "addresses"),
        (Grant((), LIMITED.networks, None), "validity"),
        (Grant((), LIMITED.networks, NOW + timedelta(seconds=1)), "validity"),
    ],
)
def test_more_may_not_be_given(asked: Grant, what: str) -> None:
    """The refusal says what is too much."""
    assert what in (LIMITED.excess(asked) or "")
