"""Which addresses may be reached: every known way past a filter, and the borders of each range."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.egress.addresses import METADATA, embedded_ipv4, refusal
from tests.unit.egress.known_tricks import REFUSED

REACHABLE = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.88.98.255",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:4860:4860::8888",
    "2003::1",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
]


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_refused(text, reason):
    """An address that is not public is refused, with its own reason."""
    assert refusal(ip_address(text)) == reason


@pytest.mark.parametrize("text", REACHABLE)
def test_reachable(text):
    """Public addresses are reachable, right up to the border of each closed range."""
    assert refusal(ip_address(text)) is None


@given(st.ip_addresses(v=4))
def test_never_wider_than_the_standard_library(ip):
    """What passes is global, and neither multicast nor reserved, by the standard library's judgement too."""
    if refusal(ip) is None:
        assert ip.is_global
        assert not any((ip.is_multicast, ip.is_reserved, ip.is_private, ip.is_unspecified))


@given(st.ip_addresses(v=6))
def test_ipv6_is_never_wider_than_global_unicast(ip):
    """Every reachable IPv6 address is in 2000::/3, and global by the standard library's judgement too."""
    if refusal(ip) is None:
        assert ip in ip_network("2000::/3")
        assert ip.is_global


@given(st.ip_addresses(v=4))
def test_every_embedding_is_refused(ip):
    """No IPv4 address, public or not, is reachable inside an IPv6 address."""
    number = int(ip)
    for prefix in ("::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::"):
        assert refusal(IPv6Address(int(IPv6Address(prefix)) | number)) is not None
    assert refusal(IPv6Address(0x2002 << 112 | number << 80 | 1)) is not None
    assert refusal(IPv6Address(0x20010000 << 96 | 0x01010101 << 64 | number ^ 0xFFFFFFFF)) is not None


def test_embedded_addresses_are_found():
    """The IPv4 address inside is read where the RFC of each transition puts it."""
    inside = IPv4Address("192.0.2.33")
    assert embedded_ipv4(ip_address("2002:c000:221::1")) == (inside,)
    assert embedded_ipv4(ip_address("64:ff9b::192.0.2.33")) == (inside,)
    assert embedded_ipv4(ip_address("64:ff9b:1:c000:2:2100::"))[0] == inside  # the shape of RFC 6052, section 2.4
    assert embedded_ipv4(ip_address("2001:0:4136:e378:8000:63bf:3fff:fdd2")) == (
        IPv4Address("65.54.227.120"),
        IPv4Address("192.0.2.45"),
    )
    for text in ("1.1.1.1", "::1", "::", "2606:4700::1"):
        assert embedded_ipv4(ip_address(text)) == ()


def test_allow_list_opens_exactly_what_it_names():
    """Opening loopback opens loopback and nothing that looks like it."""
    allowed = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert refusal(ip_address("127.0.0.1"), allowed) is None
    assert refusal(ip_address("::1"), allowed) is None
    for text in ("::ffff:127.0.0.1", "::127.0.0.1", "10.0.0.1", "0.0.0.0", "::", "64:ff9b::7f00:1"):  # noqa: S104
        assert refusal(ip_address(text), allowed) is not None


def test_allow_list_never_opens_metadata():
    """An allow-list as wide as the world still does not lead to credentials."""
    everything = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    assert refusal(ip_address("10.0.0.1"), everything) is None
    for ip in METADATA:
        assert refusal(ip, everything) == "cloud metadata service"
    assert refusal(ip_address("::ffff:169.254.169.254"), everything) is not None


def test_nat64_can_be_opened_for_an_ipv6_only_cluster():
    """With the NAT64 prefix listed, public IPv4 is reachable through it, and private IPv4 still is not."""
    allowed = (ip_network("64:ff9b::/96"),)
    assert refusal(ip_address("64:ff9b::1.1.1.1"), allowed) is None
    for text in ("64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1"):
        assert refusal(ip_address(text), allowed) is not None
