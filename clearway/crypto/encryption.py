"""Encryption of secrets in the database. Secrets of API keys are hashed instead (`api_secrets`).

Owns the token format `v1.<key id>.<base64url(nonce + ciphertext + tag)>` (AES-256-GCM, random 96-bit nonce). It must
not read settings, use a database or put a key or a plaintext into an error, a repr or a log.

    EncryptionError
    ├── KeyConfigurationError   the configured keys cannot be used
    └── DecryptionError         the token was altered, belongs to another row, or is not a token
        └── UnknownKeyError     the token names a key that is no longer configured

One key encrypts at most 2^32 tokens with random nonces (NIST SP 800-38D, section 8.3); Clearway encrypts a handful per
merchant, so keys are rotated when people leave, not because of this limit.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterable
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION: Final = "v1"
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


class EncryptionError(Exception):
    """Base of this module's errors; no message holds a key or a plaintext."""


class KeyConfigurationError(EncryptionError):
    """The configured keys cannot be used; the message names the variable and the next step."""


class DecryptionError(EncryptionError):
    """The token was altered, was written for another row, or is not a token at all: these cannot be distinguished."""


class UnknownKeyError(DecryptionError):
    """The token names a key that is not configured (any more)."""


class Cipher:
    """Encrypts with the first key, decrypts with any of them.

    `context` says which field of which row a token belongs to, such as `webhook_endpoints/whe_…/secret`. It is
    authenticated, so a token copied into another row does not decrypt there.
    """

    def __init__(self, keys: Iterable[tuple[str, bytes]]) -> None:
        self._keys: dict[str, AESGCM] = {}
        for key_id, key in keys:
            _check_key(key_id, key)
            if key_id in self._keys:
                raise KeyConfigurationError(f"SECRET_KEYS: the key id {key_id!r} is there twice; each must be unique.")
            self._keys[key_id] = AESGCM(key)
        if not self._keys:
            raise KeyConfigurationError("SECRET_KEYS is empty; it needs at least one `id:base64(32 bytes)` pair.")
        self._primary_id = next(iter(self._keys))

    @classmethod
    def from_settings(cls, secret_keys: str) -> Self:
        """Read `id:base64,id2:base64`; the first pair encrypts, all decrypt."""
        pairs = [part.strip() for part in secret_keys.split(",")]
        return cls(_parse_pair(position, pair) for position, pair in enumerate(pairs, start=1) if pair)

    def __repr__(self) -> str:
        return f"Cipher(key ids: {', '.join(self._keys)})"

    def encrypt(self, plaintext: str, context: str) -> str:
        """Return a token that only `decrypt` with the same context opens."""
        nonce = os.urandom(NONCE_BYTES)
        associated = _associated_data(self._primary_id, context)
        sealed = self._keys[self._primary_id].encrypt(nonce, plaintext.encode(), associated)
        return f"{self.prefix}{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def decrypt(self, token: str, context: str) -> str:
        """Return the plaintext.

        Raises:
            UnknownKeyError: The token's key is not configured.
            DecryptionError: The token was altered or was written for another context.
        """
        key_id, sealed = _parse_token(token)
        key = self._keys.get(key_id)
        if key is None:
            raise UnknownKeyError(
                f"The value at {context} was encrypted with the key {key_id!r}, which is not in SECRET_KEYS. "
                "Put that key back (at the end) until `clearway reencrypt` has rewritten everything."
            )
        try:
            plaintext = key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _associated_data(key_id, context))
        except InvalidTag:
            raise DecryptionError(
                f"The value at {context} cannot be decrypted: it was altered, belongs to another row, "
                f"or the key {key_id!r} is not the one it was written with."
            ) from None
        return plaintext.decode()

    @property
    def prefix(self) -> str:
        """The prefix of every token that the first key encrypted."""
        return f"{VERSION}.{self._primary_id}."


def derived_keys(secret_keys: str, purpose: str) -> dict[str, bytes]:
    """Return a key for another purpose (HKDF-SHA256) from each of SECRET_KEYS, by id, in their order."""
    pairs = [part.strip() for part in secret_keys.split(",")]
    parsed = [_parse_pair(position, pair) for position, pair in enumerate(pairs, start=1) if pair]
    info = f"clearway/{purpose}".encode()
    return {key_id: HKDF(SHA256(), KEY_BYTES, None, info).derive(key) for key_id, key in parsed}


def _associated_data(key_id: str, context: str) -> bytes:
    return f"clearway/{VERSION}/{key_id}/{context}".encode()


def _check_key(key_id: str, key: bytes) -> None:
    if not KEY_ID.fullmatch(key_id):
        raise KeyConfigurationError("SECRET_KEYS: a key id is 1 to 32 letters, digits, `_` or `-`.")
    if len(key) != KEY_BYTES:
        raise KeyConfigurationError(
            f"SECRET_KEYS: the key {key_id!r} has {len(key)} bytes and needs {KEY_BYTES}. "
            f"`openssl rand -base64 {KEY_BYTES}` prints a good one."
        )


def _parse_pair(position: int, pair: str) -> tuple[str, bytes]:
    key_id, colon, encoded = pair.partition(":")
    if not colon:
        # The text is not repeated: it may be a key whose id was forgotten.
        raise KeyConfigurationError(f"SECRET_KEYS: entry {position} is not of the form `id:base64`.")
    try:
        return key_id, base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise KeyConfigurationError(f"SECRET_KEYS: the key of entry {position} is not base64.") from None


def _parse_token(token: str) -> tuple[str, bytes]:
    parts = token.split(".")
    if len(parts) != 3 or parts[0] != VERSION or not KEY_ID.fullmatch(parts[1]):  # noqa: PLR2004
        raise DecryptionError("This is not an encrypted value of a known version.")
    try:
        sealed = base64.b64decode(parts[2].encode(), altchars=b"-_", validate=True)
    except binascii.Error:
        raise DecryptionError("This encrypted value was altered: it is not base64.") from None
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise DecryptionError("This encrypted value was altered: it is too short.")
    return parts[1], sealed
