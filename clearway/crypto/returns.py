"""Signatures of a customer's return: the token in the URL for the gateway, and the secret of the merchant's redirect.

Both are derived from the installation's peppers, so nothing is stored. New tokens use the first pepper, and tokens of
all peppers are valid. The last pepper makes the secret that signs, so a new first pepper changes no secret.
A return secret gives access to nothing: it only proves that a redirect came from Clearway.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from clearway.crypto.api_secrets import Peppers

SECRET_PREFIX: Final = "ret_"  # noqa: S105 - a prefix, not a secret
TOKEN_LENGTH: Final = 43


def return_token(peppers: Peppers, payment_id: str) -> str:
    """Return the token that makes the return URL of a payment unguessable."""
    return _tokens(peppers, payment_id)[0]


def token_matches(peppers: Peppers, payment_id: str, token: str) -> bool:
    """Return, in constant time, whether a token belongs to the payment."""
    return any(hmac.compare_digest(own.encode(), token.encode()) for own in _tokens(peppers, payment_id))


def return_secrets(peppers: Peppers, merchant_id: str) -> list[str]:
    """Return the secrets with which a merchant verifies returns: first the one that signs, then those that will."""
    derived = peppers.fingerprints(f"return-secret/{merchant_id}".encode())
    return [SECRET_PREFIX + each.hex() for each in reversed(derived)]


def return_signature(secret: str, payment_id: str, status: str, timestamp: int) -> str:
    """Return the hex HMAC-SHA256, keyed with the text of the secret, of `payment_id.status.timestamp`."""
    return _digest(secret.encode(), f"{payment_id}.{status}.{timestamp}")


def _tokens(peppers: Peppers, payment_id: str) -> list[str]:
    return [each.hex()[:TOKEN_LENGTH] for each in peppers.fingerprints(f"return-token/{payment_id}".encode())]


def _digest(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
