"""Secrets of API keys: made at random, stored as a keyed hash, compared in constant time.

The peppers are the keys of the hash, so a stolen table lacks them. Each has an id that is stored beside the hash. The
first one hashes and all verify, so a pepper can be changed without making any key invalid. This module must not read
settings, use a database or put a secret into an error, a repr or a log.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from clearway.crypto.encryption import KEY_ID, KeyConfigurationError
from clearway.domain.api_key import SECRET_PREFIX

SECRET_BYTES: Final = 24
NO_DIGEST: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class SecretHash:
    """The stored form of a secret: the digest, and the id of its pepper."""

    pepper_id: str
    digest: bytes


class Peppers:
    """The peppers of an installation, the first of which hashes."""

    def __init__(self, peppers: Iterable[tuple[str, str]]) -> None:
        self._peppers: dict[str, bytes] = {}
        for pepper_id, pepper in peppers:
            if not KEY_ID.fullmatch(pepper_id) or not pepper:
                raise KeyConfigurationError(
                    "API_KEY_PEPPERS: each entry is `id:secret`, and an id is 1 to 32 letters, digits, `_` or `-`."
                )
            if pepper_id in self._peppers:
                raise KeyConfigurationError(f"API_KEY_PEPPERS: the id {pepper_id!r} is there twice; each is unique.")
            self._peppers[pepper_id] = _bytes_of(pepper)
        if not self._peppers:
            raise KeyConfigurationError("API_KEY_PEPPERS is empty; it needs at least one `id:secret` pair.")
        self._primary_id = next(iter(self._peppers))

    @classmethod
    def from_settings(cls, api_key_peppers: str) -> Self:
        """Read `id:secret,id2:secret2`; the first one hashes, all verify."""
        pairs = (part.strip().partition(":") for part in api_key_peppers.split(",") if part.strip())
        return cls((pepper_id, pepper) for pepper_id, _, pepper in pairs)

    def __repr__(self) -> str:
        return f"Peppers(ids: {', '.join(self._peppers)})"

    def hash(self, secret: str) -> SecretHash:
        """Return the hash to store.

        Secrets are random and long, so a plain HMAC is enough (OWASP ASVS 5.0, 6.5.2). It costs microseconds on every
        request, where a password hash would cost a tenth of a second.
        """
        return SecretHash(self._primary_id, _hmac(self._peppers[self._primary_id], secret))

    def matches(self, secret: str, stored: SecretHash | None) -> bool:
        """Return, in constant time, whether `secret` has this hash. False for no hash, or an unknown pepper."""
        pepper = self._peppers.get(stored.pepper_id) if stored else None
        digest = _hmac(pepper or self._peppers[self._primary_id], secret)
        same = hmac.compare_digest(digest, stored.digest if stored and pepper else NO_DIGEST)
        return same and pepper is not None

    def is_current(self, stored: SecretHash) -> bool:
        """Return whether the hash was made with the first pepper."""
        return stored.pepper_id == self._primary_id

    def fingerprints(self, message: bytes) -> tuple[bytes, ...]:
        """Return the keyed hash of a message under each pepper, the one to store first."""
        return tuple(digest for _, digest in self.named_fingerprints(message))

    def named_fingerprints(self, message: bytes) -> tuple[tuple[str, bytes], ...]:
        """Return the same with the id of each pepper."""
        return tuple(
            (pepper_id, hmac.new(pepper, message, hashlib.sha256).digest())
            for pepper_id, pepper in self._peppers.items()
        )


def new_secret() -> str:
    """Return a fresh secret of an API key."""
    return f"{SECRET_PREFIX}{secrets.token_hex(SECRET_BYTES)}"


def _hmac(pepper: bytes, secret: str) -> bytes:
    return hmac.new(pepper, _bytes_of(secret), hashlib.sha256).digest()


def _bytes_of(text: str) -> bytes:
    # compare_digest and strict UTF-8 both raise on some text a header may hold; a wrong secret must only be wrong.
    return text.encode("utf-8", "surrogatepass")
