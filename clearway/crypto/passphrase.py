"""Files moved from one installation to another by a person, encrypted with that person's passphrase.

The form, a JSON object (docs/gateways.md says the same to people):

    format       "clearway-sealed/1"
    kind         what is inside, such as "gateways"; authenticated
    kdf          {"name": "scrypt", "n": 65536, "r": 8, "p": 1, "salt": base64 of 16 bytes}
    nonce        base64 of 12 bytes
    ciphertext   base64 of AES-256-GCM over the content, with its tag at the end

The associated data is `<format>/<kind>`. Only this strength of scrypt is read: a file must not say how much memory its
reader spends. One derivation takes 64 MiB and some tenths of a second, so call it off the event loop.
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

FORMAT: Final = "clearway-sealed/1"
COST, BLOCK, LANES = 65_536, 8, 1
SCRYPT: Final = {"name": "scrypt", "n": COST, "r": BLOCK, "p": LANES}
SALT_BYTES: Final = 16
NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32
PASSPHRASE_LENGTH_MIN: Final = 12
PASSPHRASE_LENGTH_MAX: Final = 1_024


class PassphraseError(Exception):
    """The file cannot be opened: str(error) says why. A wrong passphrase and an altered file look the same."""


def seal(content: bytes, passphrase: str, kind: str) -> dict[str, Any]:
    """Return the file that only `open_sealed` with the same passphrase and kind opens."""
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    ciphertext = AESGCM(_key(passphrase, salt)).encrypt(nonce, content, _associated_data(kind))
    return {
        "format": FORMAT,
        "kind": kind,
        "kdf": SCRYPT | {"salt": base64.b64encode(salt).decode()},
        "nonce": base64.b64encode(nonce).decode(),
        "ciphertext": base64.b64encode(ciphertext).decode(),
    }


def open_sealed(file: dict[str, Any], passphrase: str, kind: str) -> bytes:
    """Return the content. Raises PassphraseError."""
    if file.get("format") != FORMAT or file.get("kind") != kind:
        raise PassphraseError(f"This is not a file of {kind} in the format {FORMAT}.")
    try:
        kdf = dict(file["kdf"])
        salt = base64.b64decode(kdf.pop("salt"), validate=True)
        nonce, ciphertext = (base64.b64decode(file[name], validate=True) for name in ("nonce", "ciphertext"))
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise PassphraseError("The file is damaged: a part of it is missing or is not base64.") from None
    if kdf != SCRYPT or len(salt) != SALT_BYTES or len(nonce) != NONCE_BYTES:
        raise PassphraseError("The file was not written by Clearway: its key derivation is another.")
    try:
        return AESGCM(_key(passphrase, salt)).decrypt(nonce, ciphertext, _associated_data(kind))
    except InvalidTag:
        raise PassphraseError("The passphrase is wrong, or the file was altered.") from None


def _key(passphrase: str, salt: bytes) -> bytes:
    scrypt = Scrypt(salt=salt, length=KEY_BYTES, n=COST, r=BLOCK, p=LANES)
    return scrypt.derive(passphrase.encode("utf-8", "surrogatepass"))


def _associated_data(kind: str) -> bytes:
    return f"{FORMAT}/{kind}".encode()
