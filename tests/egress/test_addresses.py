"""Which addresses may be reached: the whole table of known ways past a filter, and the borders of each range."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.egress.addresses import METADATA, embedded_ipv4, refusal

REFUSED = {
    # IPv4
    "0.0.0.0": "this network",  # noqa: S104
    "0.1.2.3": "this network",
    "10.0.0.1": "private",
    "10.255.255.255": "private",
    "100.64.0.1": "carrier-grade NAT",
    "100.127.255.255": "carrier-grade NAT",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "169.254.0.1": "link-local",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.1": "reserved for protocols",
    "192.0.0.9": "reserved for protocols",
    "192.0.2.1": "documentation",
    "192.88.99.3": "6to4 relay",
    "192.168.0.1": "private",
    "198.18.0.1": "benchmarking",
    "198.19.255.255": "benchmarking",
    "198.51.100.1": "documentation",
    "203.0.113.1": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    # Cloud metadata
    "169.254.169.254": "cloud metadata service",
    "169.254.170.2": "cloud metadata service",
    "168.63.129.16": "cloud metadata service",
    "100.100.100.200": "cloud metadata service",
    "192.0.0.192": "cloud metadata service",
    "fd00:ec2::254": "cloud metadata service",
    "fd20:ce::254": "cloud metadata service",
    # IPv6
    "::": "unspecified",
    "::1": "loopback",
    "100::1": "discard",
    "2001:2::1": "reserved for protocols",
    "2001:10::1": "reserved for protocols",
    "2001:20::1": "reserved for protocols",
    "2001:db8::1": "documentation",
    "3fff::1": "documentation",
    "5f00::1": "segment routing",
    "fc00::1": "private",
    "fd12:3456::1": "private",
    "fe80::1": "link-local",
    "fe80::1%eth0": "address with a scope",
    "2606:4700:4700::1111%1": "address with a scope",
    "febf::1": "link-local",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "4000::1": "not global unicast",
    "::1:0:0:1": "not global unicast",
    # IPv4 inside IPv6
    "::ffff:127.0.0.1": "IPv4-mapped form of a loopback address",
    "::ffff:10.0.0.1": "IPv4-mapped form of a private address",
    "::ffff:169.254.169.254": "IPv4-mapped form of a cloud metadata service address",
    "::ffff:1.1.1.1": "IPv4-mapped address",
    "::ffff:0:127.0.0.1": "IPv4-translated form of a loopback address",
    "::127.0.0.1": "IPv4-compatible form of a loopback address",
    "::169.254.169.254": "IPv4-compatible form of a cloud metadata service address",
    "::1.1.1.1": "IPv4-compatible address",
    "64:ff9b::7f00:1": "NAT64 form of a loopback address",
    "64:ff9b::a9fe:a9fe": "NAT64 form of a cloud metadata service address",
    "64:ff9b::1.1.1.1": "NAT64 address",
    "64:ff9b:1::a9fe:a9fe": "local NAT64 form of a this network address",
    "64:ff9b:1:a9fe:a9:fe00::": "local NAT64 form of a cloud metadata service address",
    "2002:7f00:1::1": "6to4 form of a loopback address",
    "2002:a9fe:a9fe::1": "6to4 form of a cloud metadata service address",
    "2002:101:101::1": "6to4 address",
    "2001:0:7f00:1:0:0:fefe:fefe": "Teredo form of a loopback address",
    "2001:0:101:101:0:0:80ff:fffe": "Teredo form of a loopback address",
    "2001:0:101:101:0:0:fefe:fefe": "Teredo address",
}

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
    """Whatever is not public is refused, for the reason that is its own."""
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
    """What passes of IPv6 is in 2000::/3 and global by the standard library's judgement too."""
    if refusal(ip) is None:
        assert ip in ip_network("2000::/3")
        assert ip.is_global


@given(st.ip_addresses(v=4))
def test_every_embedding_is_refused(ip):
    """No IPv4 address, public or not, is reachable in the clothes of an IPv6 one."""
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
