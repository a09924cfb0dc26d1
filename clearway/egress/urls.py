"""Which URLs are accepted, and to which of them webhooks are sent. The parser that judges also connects: httpx's.

Owns the checks that need no look-up. They run when a URL is given, for a clear answer at once, and again at every
delivery attempt. It must not resolve names: what a name means is only decided when the connection is made.

`parse_url` is the form of every URL, also of those that only a browser opens. Refused: anything but https and http,
blanks and invisible characters, user information, a host that is not a plain name or address, ports outside of 1 to
65,535, and URLs over 2,048 characters. `parse_target` adds what holds for webhooks: https (or http where the policy
allows it), and no address that is not public (in decimal, octal, hexadecimal or short form too). Ports are all
allowed: merchants run receivers on odd ones, and what must be kept from them is kept by address, not by port.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv6Address, ip_address
from typing import Final

import httpx

from clearway.domain.errors import UnprocessableError
from clearway.domain.limits import URL_LENGTH_MAX
from clearway.egress.addresses import Address, refusal
from clearway.egress.policy import EgressPolicy

HOST_LENGTH_MAX: Final = 253
PORT_MAX: Final = 65_535
UNSEEN: Final = re.compile("[\\s\x00-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
"""Blanks of every kind, and characters that take no room; invisible at the end of a pasted URL."""
LABEL: Final = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
HOST_NAME: Final = re.compile(rf"{LABEL}(\.{LABEL})*\.?")
PORT: Final = re.compile(r"[^/?#]*//[^/?#]*:([^/?#:\]]*)(?=[/?#]|$)")
"""The port as it is written: what follows the last colon of the authority, outside of brackets."""
LOOPBACK_ADDRESSES: Final = (ip_address("127.0.0.1"), ip_address("::1"))


class UrlRefusedError(UnprocessableError):
    """A URL that no webhook is sent to. `reason` is stable: one of those named in this module."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__("webhook_url_refused", detail)
        self.reason = reason


def validate_url(url: str, policy: EgressPolicy) -> None:
    """Check a URL when an endpoint is registered.

    Raises:
        UrlRefusedError: The URL can never be delivered to; the detail says why.
    """
    parse_target(url, policy)


def parse_target(url: str, policy: EgressPolicy) -> httpx.URL:
    """Return the parsed URL of a webhook endpoint, or raise `UrlRefusedError`."""
    target = parse_url(url)
    if target.scheme == "http" and not policy.allow_http:
        raise UrlRefusedError("scheme", "The URL must begin with https; this one begins with http.")
    _check_addresses(target, policy)
    return target


def parse_url(url: str) -> httpx.URL:
    """Return the parsed URL, or raise `UrlRefusedError` when its form is not accepted."""
    if len(url) > URL_LENGTH_MAX:
        raise UrlRefusedError("too_long", f"The URL has {len(url)} characters; at most {URL_LENGTH_MAX} are accepted.")
    if UNSEEN.search(url):
        raise UrlRefusedError(
            "blank", "The URL contains a space or an invisible character. Remove it, or write %20 for a space."
        )
    target = _parse(url)
    if target.scheme not in {"https", "http"}:
        detail = f"The URL must begin with https:// or http://; this one has the scheme {target.scheme!r}."
        raise UrlRefusedError("scheme", detail)
    if target.userinfo:
        # Also what httpx makes of `https://example.com\@127.0.0.1/`, which browsers read the other way round.
        raise UrlRefusedError("userinfo", "The URL must not hold a user name or password (anything before an `@`).")
    _check_port(url, target)
    _check_host(host_of(target))
    return target


def host_of(target: httpx.URL) -> str:
    """Return the host in the ASCII form that is looked up, sent and compared with the certificate."""
    return target.raw_host.decode("ascii")


def numeric_address(host: str) -> Address | None:
    """Return the address when the system's resolver reads `host` as a number (`127.1`, `0x7f000001`), else None."""
    try:
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (socket.gaierror, UnicodeError):
        return None
    return ip_address(infos[0][4][0])


def _parse(url: str) -> httpx.URL:
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise UrlRefusedError("malformed", "This is not a URL. Write it as https://example.com/webhooks.") from error


def _check_port(url: str, target: httpx.URL) -> None:
    # The parser reads ports with `int`, which also takes `+80`, `8_0` and digits of other scripts. Browsers do not.
    written = PORT.match(url)
    plain = written is None or re.fullmatch("[0-9]*", written[1]) is not None
    if not plain or (target.port is not None and not 0 < target.port <= PORT_MAX):
        raise UrlRefusedError("port", f"The port must be a number between 1 and {PORT_MAX}, in the digits 0 to 9.")


def _check_host(host: str) -> None:
    # An address in brackets was read by the parser.
    if ":" not in host and (len(host) > HOST_LENGTH_MAX or not HOST_NAME.fullmatch(host)):
        raise UrlRefusedError("host", "The URL's host is not a valid name or address.")


def _check_addresses(target: httpx.URL, policy: EgressPolicy) -> None:
    host = host_of(target)
    for address in _literal_addresses(host):
        reason = refusal(address, policy.allowed_networks)
        if reason is not None:
            raise UrlRefusedError("blocked_address", f"Webhooks are not sent to {host}: {reason}.")


def _literal_addresses(host: str) -> tuple[Address, ...]:
    if ":" in host:
        return (IPv6Address(host),)
    name = host.removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return LOOPBACK_ADDRESSES  # RFC 6761, section 6.3: always loopback, whatever a resolver says
    address = numeric_address(name)
    return () if address is None else (address,)
