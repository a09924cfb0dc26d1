"""The client's address: X-Forwarded-For is believed as far as trusted proxies wrote it."""

from __future__ import annotations

import pytest

from api.http.addresses import TrustedProxies, is_within, limited_as
from clearway.settings import Settings, SettingsError

PROXIES = ("10.0.0.0/8", "2001:db8:ff::/48")


def client(peer: str | None, *forwarded: str, proxies: tuple[str, ...] = PROXIES) -> str:
    """Return the address that a request with these headers is taken to come from."""
    trusted = TrustedProxies.from_settings(Settings(_env_file=None, trusted_proxies=proxies))
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    return trusted.client_of({"client": (peer, 1) if peer else None, "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),  # not from a proxy: anybody can write the header
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9"], "203.0.113.9"),  # what the client wrote comes first
        ("10.0.0.1", ["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.9"], "203.0.113.9"),  # several lines are one list
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),  # all are proxies: the farthest
        ("10.0.0.1", ["203.0.113.9, nonsense"], "10.0.0.1"),  # nothing before nonsense is believed
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("2001:db8:ff::1", ["2001:DB8:0::1"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("::ffff:192.0.2.1", [], "192.0.2.1"),
        (None, ["203.0.113.9"], "unknown"),
    ],
)
def test_whose_address_it_is(peer: str | None, forwarded: list[str], expected: str) -> None:
    """Read from its end, the first address that is not a trusted proxy's is the client's."""
    assert client(peer, *forwarded) == expected


def test_nobody_is_trusted_by_default() -> None:
    """Without TRUSTED_PROXIES the header means nothing, from this machine neither."""
    assert client("127.0.0.1", "203.0.113.9", proxies=()) == "127.0.0.1"


def test_a_network_that_is_none_is_refused() -> None:
    """The message names the variable."""
    with pytest.raises(SettingsError, match="TRUSTED_PROXIES"):
        client("127.0.0.1", proxies=("10.0.0.1/8",))


def test_limits_count_an_ipv6_site_as_one() -> None:
    """A customer with a /64 cannot have a limit for each of its addresses."""
    assert limited_as("2001:db8::1") == limited_as("2001:db8::ffff:2")
    assert limited_as("2001:db8::1") != limited_as("2001:db8:0:1::1")
    assert limited_as("192.0.2.1") == "192.0.2.1"


def test_allow_lists() -> None:
    """An address is in a network of its own kind; what is no address is in none."""
    assert is_within("203.0.113.9", ("203.0.113.0/24",))
    assert not is_within("203.0.114.9", ("203.0.113.0/24", "2001:db8::/32"))
    assert is_within("2001:db8::9", ("203.0.113.0/24", "2001:db8::/32"))
    assert not is_within("unknown", ("0.0.0.0/0",))
