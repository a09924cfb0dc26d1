"""The actor of a request or command: who acts, for which merchant. The audit log stores it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts on behalf of a merchant; merchant None: for the whole installation.

    name: `key:<key id>`, `user:<user id>`, `operator:<login>`, `customer`, `anonymous` or `system`.
    request_id and address: of the HTTP request; the address is sealed (`clearway.db.audit.address_context`).
    """

    name: str
    merchant: str | None
    request_id: str | None = None
    address: str | None = None

    @property
    def merchant_id(self) -> str:
        """The merchant whose resources are read and changed."""
        assert self.merchant is not None, "an act for the whole installation touches nothing of a merchant"
        return self.merchant


SYSTEM = "system"
MERCHANT = "merchant"
"""A program of the merchant, in what happened to a payment."""
MEMBER = "user:"
"""How the name of a member begins: their id follows."""
CUSTOMER = "customer"
ANONYMOUS = "anonymous"
"""Somebody who tried to sign in."""


def in_history(asked_by: Actor | None) -> str:
    """Return the actor of a step as events store it: a member by their id, which is no personal data."""
    return asked_by.name if asked_by is not None and asked_by.name.startswith(MEMBER) else MERCHANT


def operator(login: str) -> str:
    """Return the name of the operator with this login."""
    return f"operator:{login}"
