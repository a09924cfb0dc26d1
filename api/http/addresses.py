"""The address of the client: of the connection, or what a trusted proxy says in X-Forwarded-For.

Anybody can send X-Forwarded-For, so it is believed as far as trusted proxies have written it: read from its end, the
first address that is not a trusted proxy's is the client's. uvicorn's own handling of the header is switched off where
Clearway starts it (`clearway api`, `clearway dev`), because it would believe every process on the same machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Self

from starlette.types import Scope

from clearway.settings import Settings, SettingsError

ADDRESS_KEY: Final = "clearway.address"
UNKNOWN: Final = "unknown"
"""Of a connection without an address, such as a Unix socket."""
HOPS_MAX: Final = 20
IPV6_SITE_BITS: Final = 64
"""One customer of a provider has at least so many addresses to choose from, so limits count them as one."""

Network = IPv4Network | IPv6Network


class TrustedProxies:
    """The networks whose word about the client's address is believed."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._networks = tuple(networks)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Read TRUSTED_PROXIES. Raises SettingsError."""
        try:
            return cls(ip_network(text) for text in settings.trusted_proxies)
        except ValueError as error:
            message = f"TRUSTED_PROXIES: {error}. Write networks such as 10.0.0.0/8, comma separated."
            raise SettingsError(message) from None

    def client_of(self, scope: Scope) -> str:
        """Return the client's address in its usual form."""
        peer = scope["client"][0] if scope.get("client") else UNKNOWN
        if not self._networks:
            return _usual(peer)
        address = peer
        for hop in reversed(_hops(scope["headers"])):
            if not self._trusts(address):
                break
            if _parsed(hop) is None:
                break  # not an address: nothing before it can be believed either
            address = hop
        return _usual(address)

    def _trusts(self, address: str) -> bool:
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def address_of(scope: Scope) -> str:
    """Return the client's address, as the middleware found it."""
    return str(scope.get(ADDRESS_KEY, UNKNOWN))


def limited_as(address: str) -> str:
    """Return what limits count an address as: itself, or the network of an IPv6 address."""
    parsed = _parsed(address)
    return str(ip_network((parsed, IPV6_SITE_BITS), strict=False)) if isinstance(parsed, IPv6Address) else address


def is_within(address: str, networks: Sequence[str]) -> bool:
    """Tell whether an address is in one of these networks."""
    parsed = _parsed(address)
    return parsed is not None and any(parsed in ip_network(network) for network in networks)


def _hops(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    lines = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
    return [_without_port(hop.strip()) for hop in ",".join(lines).split(",")[-HOPS_MAX:]] if lines else []


def _without_port(hop: str) -> str:
    """Some proxies write the port, too: `192.0.2.1:4711`, `[2001:db8::1]:4711`."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


@lru_cache(maxsize=4096)
def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return (isinstance(parsed, IPv6Address) and parsed.ipv4_mapped) or parsed


def _usual(address: str) -> str:
    return str(_parsed(address) or address)
