"""Signatures around a customer's return: the token in the URL that gateways get, and what merchants verify.

Both keys are derived from the installation's pepper, so nothing is stored. A merchant's secret opens nothing: it only
says that a return came from here.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

SECRET_PREFIX: Final = "ret_"  # noqa: S105 - a prefix, not a secret
TOKEN_LENGTH: Final = 43


def return_token(pepper: str, payment_id: str) -> str:
    """Return what makes the return URL of a payment unguessable."""
    return _digest(pepper.encode(), f"return-token/{payment_id}")[:TOKEN_LENGTH]


def token_matches(pepper: str, payment_id: str, token: str) -> bool:
    """Tell, in constant time, whether a token is that of the payment."""
    return hmac.compare_digest(return_token(pepper, payment_id).encode(), token.encode())


def return_secret(pepper: str, merchant_id: str) -> str:
    """Return the secret with which a merchant verifies returns."""
    return SECRET_PREFIX + _digest(pepper.encode(), f"return-secret/{merchant_id}")


def return_signature(secret: str, payment_id: str, status: str, timestamp: int) -> str:
    """Return the hex HMAC-SHA256, keyed with the text of the secret, of `payment_id.status.timestamp`."""
    return _digest(secret.encode(), f"{payment_id}.{status}.{timestamp}")


def _digest(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
