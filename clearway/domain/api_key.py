"""What an API key may do, from where and until when; and whether it may grant that to another key."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from clearway.domain.permissions import ALL, Permission, permissions_of

KEY_ID_FORM: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
"""The public half of a key."""
KEY_PREFIX: Final = "key_"
SECRET_PREFIX: Final = "secret_"  # noqa: S105 - no secret, but what each begins with
"""How each half of every key begins."""


@dataclass(frozen=True, slots=True)
class Grant:
    """permissions None: all current and future ones. networks: CIDR, empty: any address. expires_at None: never."""

    permissions: tuple[str, ...] | None = None
    networks: tuple[str, ...] = ()
    expires_at: datetime | None = None

    @property
    def allowed(self) -> frozenset[Permission]:
        """The permissions of this grant now: all of them for None."""
        return ALL if self.permissions is None else permissions_of(self.permissions)

    def excess(self, asked: Grant) -> str | None:
        """Return what `asked` has beyond this grant, in words. None: it may be granted."""
        if asked.permissions is None and self.permissions is not None:
            return "all permissions"
        missing = sorted(asked.allowed - self.allowed)
        if missing:
            return f"the permissions {', '.join(missing)}"
        if not _within(asked.networks, self.networks):
            return "addresses outside of the networks it may be used from"
        if self.expires_at is not None and (asked.expires_at is None or asked.expires_at > self.expires_at):
            return f"validity after {self.expires_at.isoformat()}"
        return None


EVERYTHING_GRANTED = Grant()
"""What an operator may grant."""


def _within(asked: Iterable[str], held: tuple[str, ...]) -> bool:
    if not held:
        return True
    wanted = [ip_network(network) for network in asked]
    return bool(wanted) and all(any(_is_subnet(one, ip_network(other)) for other in held) for one in wanted)


def _is_subnet(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one.subnet_of(other)
    return isinstance(one, IPv6Network) and isinstance(other, IPv6Network) and one.subnet_of(other)
