"""Signatures around a customer's return: the token in the URL that gateways get, and what merchants verify.

Both are derived from the installation's first pepper, so nothing is stored; tokens of the other peppers are good, too.
A merchant's secret opens nothing: it only says that a return came from here.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from clearway.crypto.api_secrets import Peppers

SECRET_PREFIX: Final = "ret_"  # noqa: S105 - a prefix, not a secret
TOKEN_LENGTH: Final = 43


def return_token(peppers: Peppers, payment_id: str) -> str:
    """Return what makes the return URL of a payment unguessable."""
    return _tokens(peppers, payment_id)[0]


def token_matches(peppers: Peppers, payment_id: str, token: str) -> bool:
    """Tell, in constant time, whether a token is that of the payment."""
    return any(hmac.compare_digest(own.encode(), token.encode()) for own in _tokens(peppers, payment_id))


def return_secret(peppers: Peppers, merchant_id: str) -> str:
    """Return the secret with which a merchant verifies returns."""
    return SECRET_PREFIX + peppers.fingerprints(f"return-secret/{merchant_id}".encode())[0].hex()


def return_signature(secret: str, payment_id: str, status: str, timestamp: int) -> str:
    """Return the hex HMAC-SHA256, keyed with the text of the secret, of `payment_id.status.timestamp`."""
    return _digest(secret.encode(), f"{payment_id}.{status}.{timestamp}")


def _tokens(peppers: Peppers, payment_id: str) -> list[str]:
    return [each.hex()[:TOKEN_LENGTH] for each in peppers.fingerprints(f"return-token/{payment_id}".encode())]


def _digest(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
