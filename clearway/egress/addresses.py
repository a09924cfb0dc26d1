"""Which IP addresses an outbound request may reach: pure classification, no look-up and no socket.

Owns the rule: only global unicast is reachable; nothing private, local, reserved, multicast or documentary, no cloud
metadata service, and no IPv6 address with an embedded IPv4 address. It must not see host names: text such as
`0x7f.1` means different things to different parsers, so only addresses that were resolved are judged.

`ipaddress.is_global` alone is not the rule: in Python 3.11 it is true for NAT64, 6to4, IPv4-compatible, multicast,
site-local and 168.63.129.16, each of which was a known bypass of such a filter.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

METADATA: Final = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Azure, Google Cloud, Oracle, DigitalOcean and more
        "169.254.170.2",  # AWS ECS task credentials
        "169.254.170.23",  # AWS EKS pod identity
        "168.63.129.16",  # Azure wire server: a public address that never leaves the host
        "100.100.100.200",  # Alibaba Cloud
        "192.0.0.192",  # Oracle Cloud, older images
        "fd00:ec2::254",  # AWS
        "fd00:ec2::23",  # AWS EKS pod identity
        "fd20:ce::254",  # Google Cloud
        "fd00:42::42",  # Scaleway
    )
)
"""Where clouds hand out credentials. No allow-list opens these: a wide one must not do so by accident."""

FORBIDDEN: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ip_network(network), reason)
    for network, reason in (
        # IANA IPv4 Special-Purpose Address Registry, and multicast
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        # IANA IPv6 Special-Purpose Address Registry, and what is not in 2000::/3 (the only global unicast there is)
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("100::/64", "discard"),
        ("2001::/23", "reserved for protocols"),
        ("2001:db8::/32", "documentation"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
GLOBAL_UNICAST: Final = IPv6Network("2000::/3")

MAPPED: Final = IPv6Network("::ffff:0:0/96")
COMPATIBLE: Final = IPv6Network("::/96")
TRANSLATED: Final = IPv6Network("::ffff:0:0:0/96")
NAT64: Final = IPv6Network("64:ff9b::/96")
NAT64_LOCAL: Final = IPv6Network("64:ff9b:1::/48")
SIX_TO_FOUR: Final = IPv6Network("2002::/16")
TEREDO: Final = IPv6Network("2001::/32")
TRANSITION_NAMES: Final = (
    (MAPPED, "IPv4-mapped"),
    (COMPATIBLE, "IPv4-compatible"),
    (TRANSLATED, "IPv4-translated"),
    (NAT64, "NAT64"),
    (NAT64_LOCAL, "local NAT64"),
    (SIX_TO_FOUR, "6to4"),
    (TEREDO, "Teredo"),
)
LOWEST_COMPATIBLE: Final = 2
"""`::` and `::1` are addresses of their own, not `0.0.0.0` and `0.0.0.1` in IPv4-compatible form."""


def refusal(ip: Address, allowed_networks: Collection[Network] = ()) -> str | None:
    """Return why a request must not go to `ip`, or None when it may.

    `allowed_networks` opens ranges that are closed by default, for development and for private deployments. An
    address with an IPv4 address inside is judged by both: opening `64:ff9b::/96` for an IPv6-only cluster does not
    open `64:ff9b::a9fe:a9fe`, and opening 127.0.0.0/8 does not open `::ffff:127.0.0.1`.
    """
    if ip in METADATA:
        return "cloud metadata service"
    if isinstance(ip, IPv6Address) and ip.scope_id is not None:
        return "address with a scope"
    listed = any(ip in network for network in allowed_networks if network.version == ip.version)
    transition = _transition_name(ip)
    if transition is None:
        return None if listed else _forbidden_range(ip)
    inner = [refusal(address, allowed_networks) for address in embedded_ipv4(ip)]
    reasons = [reason for reason in inner if reason is not None]
    if reasons:
        return f"{transition} form of a {reasons[0]} address"
    return None if listed else f"{transition} address"


def embedded_ipv4(ip: Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that a packet to this transition address may reach (RFC 4291, 6052, 3056, 4380)."""
    if not isinstance(ip, IPv6Address):
        return ()
    number = int(ip)
    if ip in SIX_TO_FOUR:
        return (IPv4Address((number >> 80) & 0xFFFFFFFF),)
    if ip in TEREDO:
        server, client = (number >> 64) & 0xFFFFFFFF, ~number & 0xFFFFFFFF
        return (IPv4Address(server), IPv4Address(client))
    if ip in NAT64_LOCAL:
        # A /48 prefix splits the address around bits 64-71; networks also use a /96 inside it: both are judged.
        split = ((number >> 64) & 0xFFFF) << 16 | ((number >> 40) & 0xFFFF)
        return (IPv4Address(split), IPv4Address(number & 0xFFFFFFFF))
    if _transition_name(ip) is not None:
        return (IPv4Address(number & 0xFFFFFFFF),)
    return ()


def _transition_name(ip: Address) -> str | None:
    if not isinstance(ip, IPv6Address) or int(ip) < LOWEST_COMPATIBLE:
        return None
    return next((name for network, name in TRANSITION_NAMES if ip in network), None)


def _forbidden_range(ip: Address) -> str | None:
    for network, reason in FORBIDDEN:
        if ip in network:
            return reason
    if isinstance(ip, IPv6Address) and ip not in GLOBAL_UNICAST:
        return "not global unicast"
    # A later Python may know further reserved ranges: they are refused too.
    return None if ip.is_global else "not globally reachable"
