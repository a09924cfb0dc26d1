"""Signed tokens that this installation gives and takes back: access tokens (JWT, RFC 9068) and log-in challenges.

They are signed with HMAC-SHA256, by keys derived from SECRET_KEYS: the first signs, all verify. The header names the
key. So they rotate with SECRET_KEYS. A token says who it is for; what they may do is read at each request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self

import jwt

from clearway.crypto.encryption import derived_keys
from clearway.domain.ids import new_id

ALGORITHM: Final = "HS256"
ISSUER: Final = "clearway"
CLAIMS: Final = ("iss", "aud", "sub", "sid", "iat", "exp", "jti")


class TokenKind(StrEnum):
    """The `typ` of the header. A token of one kind is never taken for another (RFC 8725, section 3.11)."""

    ACCESS = "at+jwt"
    CHALLENGE = "challenge+jwt"


class TokenInvalidError(Exception):
    """The token was altered, is too old, is of another kind, or its key is gone."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says: the user, and one text beside (the session, or what a challenge is bound to)."""

    user_id: str
    bound_to: str


class SignedTokens:
    """Signs with the first key, verifies with any of them."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = keys
        self._primary_id = next(iter(keys))

    @classmethod
    def from_settings(cls, secret_keys: str) -> Self:
        """Derive the keys from SECRET_KEYS. Raises KeyConfigurationError."""
        return cls(derived_keys(secret_keys, "signed-tokens"))

    def sign(self, kind: TokenKind, claims: Claims, life_s: float, now: datetime) -> str:
        """Return a token that is valid for `life_s` seconds."""
        payload = {
            "iss": ISSUER,
            "aud": kind.value,
            "sub": claims.user_id,
            "sid": claims.bound_to,
            "iat": now,
            "exp": now + timedelta(seconds=life_s),
            "jti": new_id("jwt"),
        }
        headers = {"typ": kind.value, "kid": self._primary_id}
        return jwt.encode(payload, self._keys[self._primary_id], ALGORITHM, headers)

    def verify(self, kind: TokenKind, token: str) -> Claims:
        """Return what a token says. Raises TokenInvalidError."""
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(str(header.get("kid")))
            if key is None or header.get("typ") != kind.value:
                raise TokenInvalidError("another kind, or a key that is gone")
            options: Any = {"require": list(CLAIMS)}
            found = jwt.decode(token, key, [ALGORITHM], options, audience=kind.value, issuer=ISSUER)
        except jwt.InvalidTokenError as error:
            raise TokenInvalidError(type(error).__name__) from None
        return Claims(str(found["sub"]), str(found["sid"]))
