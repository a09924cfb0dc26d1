"""Authentication: client credentials, their access tokens, and the account of each.

Every well-formed pair is accepted: the secret of the client id `client_NAME` is `secret_NAME`. A name with `invalid` in
it is refused, as PayPal refuses credentials that it does not know.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import time
from dataclasses import dataclass
from typing import Any, Final

from clearway.simulator.facades.paypal.books import Books
from clearway.simulator.facades.paypal.errors import OAuthError, PayPalError

_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_CLIENT: Final = re.compile(r"client_([A-Za-z0-9_-]{4,200})")


@dataclass(frozen=True, slots=True)
class Accounts:
    """Authenticates callers. token_life_s: how long an access token is valid."""

    books: Books
    token_life_s: float

    def issue(self, authorization: str, grant_type: str | None) -> dict[str, Any]:
        """Exchange client credentials for an access token. Raises OAuthError."""
        account = _account(_basic(authorization))
        if grant_type != "client_credentials":
            raise OAuthError(400, "unsupported_grant_type", "Grant Type is NULL or not supported")
        return {
            "scope": "https://uri.paypal.com/services/payments/payment/authcapture openid",
            "access_token": self.books.add_token(account, time.time() + self.token_life_s),
            "token_type": "Bearer",
            "app_id": "APP-80W284485P519543T",
            "expires_in": int(self.token_life_s),
            "nonce": f"{time.time():.0f}",
        }

    def caller(self, authorization: str) -> str:
        """Return the account of a token. Raises PayPalError (401)."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise PayPalError(None, status=401)
        account = self.books.account_of(token.strip(), time.time())
        if account is None:
            raise OAuthError(401, "invalid_token", "Token signature verification failed, or the token has expired")
        return account


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    try:
        client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        client, secret = "", ""
    return (client, secret) if scheme.lower() == "basic" else ("", "")


def _account(pair: tuple[str, str]) -> str:
    found = _CLIENT.fullmatch(pair[0])
    if found is None or "invalid" in found[1] or pair[1] != f"secret_{found[1]}":
        raise OAuthError(401, "invalid_client", "Client Authentication failed")
    return account_id(found[1])


def account_id(name: str) -> str:
    """Return the id of an account, a merchant's or a payer's: thirteen unambiguous characters."""
    digest = hashlib.sha256(name.encode()).digest()[:13]
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest)
