"""Authentication: access tokens, the seller of each, and its locations. Pure.

Every well-formed sandbox token is accepted: `EAAA_NAME` is the token of a seller that the name makes. A name with
`invalid`, `expired` or `revoked` in it is refused as Square refuses such tokens.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Final

from clearway.simulator.facades.square.errors import SquareError

_TOKEN: Final = re.compile(r"EAAA_([A-Za-z0-9_-]{4,200})")
_COUNTRIES: Final = {"USD": "US", "CAD": "CA", "GBP": "GB", "AUD": "AU", "JPY": "JP", "EUR": "IE"}
_REFUSALS: Final = {"expired": "ACCESS_TOKEN_EXPIRED", "revoked": "ACCESS_TOKEN_REVOKED", "invalid": "UNAUTHORIZED"}


@dataclass(frozen=True, slots=True)
class Accounts:
    """Authenticates callers. currencies: each seller has one location in each; the first is the main one."""

    currencies: tuple[str, ...]

    def caller(self, authorization: str) -> str:
        """Return the seller of a token. Raises SquareError (401)."""
        scheme, _, token = authorization.partition(" ")
        found = _TOKEN.fullmatch(token.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise SquareError("UNAUTHORIZED", "This request could not be authorized.")
        for name, code in _REFUSALS.items():
            if name in found[1]:
                raise SquareError(code, "The access token is not valid any more, or never was.")
        return "M" + hashlib.sha256(found[1].encode()).hexdigest()[:12].upper()

    def locations(self, account: str) -> list[dict[str, Any]]:
        """Return the locations of a seller, the main one first."""
        return [_location(account, currency) for currency in self.currencies]

    def location(self, account: str, location_id: str | None) -> dict[str, Any]:
        """Return one location; the main one by default. Raises SquareError (404)."""
        for found in self.locations(account):
            if location_id in {None, "main", found["id"]}:
                return found
        raise SquareError("NOT_FOUND", "The location was not found.", field="location_id")


def _location(account: str, currency: str) -> dict[str, Any]:
    return {
        "id": f"L{currency}{account[1:]}",
        "name": f"Shop in {currency}",
        "timezone": "Etc/UTC",
        "capabilities": ["CREDIT_CARD_PROCESSING", "AUTOMATIC_TRANSFERS"],
        "status": "ACTIVE",
        "created_at": "2026-01-01T00:00:00.000Z",
        "merchant_id": account,
        "country": _COUNTRIES.get(currency, "US"),
        "language_code": "en-US",
        "currency": currency,
        "business_name": "A shop of the stand-in",
        "type": "PHYSICAL",
    }
