"""A closed network: what a test process connects to is on this machine, or the test fails at once and says where to.

Held by an audit hook, which sees every Python socket. Temporal's client is not among them, nor are other processes.
"""

from __future__ import annotations

import sys
from ipaddress import ip_address
from typing import Any, Final

LOCAL_NAMES: Final = frozenset({"", "localhost"})
OPENING: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class NetworkClosedError(RuntimeError):
    """Raised in place of a connection that would leave this machine."""


def close_network() -> None:
    """Refuse, from now on and for good, every connection to another machine."""
    sys.addaudithook(_refuse_strangers)


def _refuse_strangers(event: str, arguments: tuple[Any, ...]) -> None:
    if event in OPENING and isinstance(arguments[1], tuple) and not is_local(str(arguments[1][0])):
        raise NetworkClosedError(f"a test may not connect to {arguments[1][:2]}: only loopback is open ({event})")


def is_local(host: str) -> bool:
    """Whether an address is of this machine."""
    try:
        return host in LOCAL_NAMES or ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
