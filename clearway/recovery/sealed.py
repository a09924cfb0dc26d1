"""What a payment's row keeps so that the gateway can be asked again: the instrument and the return URL, encrypted.

A new run needs it when Temporal's store is lost before the gateway is called. The row forgets it when the payment ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from clearway.crypto.encryption import Cipher
from clearway.domain.payment import NewPayment


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was sealed. instrument: a card token, a VPA, a bank or a wallet code."""

    instrument: str
    return_url: str | None


def seal(cipher: Cipher, new: NewPayment) -> str:
    """Return what only `unseal` with the same payment id opens."""
    kept = orjson.dumps({"instrument": new.instrument, "return_url": new.return_url}).decode()
    return cipher.encrypt(kept, sealed_context(new.id))


def unseal(cipher: Cipher, payment_id: str, token: str) -> Sealed:
    """Return what was sealed. Raises DecryptionError."""
    return Sealed(**orjson.loads(cipher.decrypt(token, sealed_context(payment_id))))


def seal_return_url(cipher: Cipher, new: NewPayment) -> str | None:
    """Return the merchant's return URL, sealed: customers may come back after the payment has ended."""
    return None if new.return_url is None else cipher.encrypt(new.return_url, return_context(new.id))


def return_context(payment_id: str) -> str:
    """Return what binds the sealed return URL to its row."""
    return f"payments/{payment_id}/return_url"


def sealed_context(payment_id: str) -> str:
    """Return what binds the sealed text to its row."""
    return f"payments/{payment_id}/sealed"
