"""What a payment knows of a person, sealed: the only form in which it may stand in a message to a workflow.

Temporal keeps messages until its retention is over, and shows them in its UI. Activities and services open the seal;
workflows pass it on. The payment's row has the same text until the payment ends, so that a new run can be started.
"""

from __future__ import annotations

from dataclasses import asdict

import orjson

from clearway.crypto.encryption import Cipher
from clearway.domain.payment import PersonalData


def seal(cipher: Cipher, payment_id: str, personal: PersonalData) -> str:
    """Return what only `unseal` with the same payment id opens."""
    return cipher.encrypt(orjson.dumps(asdict(personal)).decode(), personal_context(payment_id))


def unseal(cipher: Cipher, payment_id: str, token: str) -> PersonalData:
    """Return what was sealed. Raises DecryptionError."""
    return PersonalData(**orjson.loads(cipher.decrypt(token, personal_context(payment_id))))


def seal_return_url(cipher: Cipher, payment_id: str, url: str | None) -> str | None:
    """Return the merchant's return URL, sealed: customers may come back after the payment has ended."""
    return None if url is None else cipher.encrypt(url, return_context(payment_id))


def return_context(payment_id: str) -> str:
    """Return what binds the sealed return URL to its row."""
    return f"payments/{payment_id}/return_url"


def personal_context(payment_id: str) -> str:
    """Return what binds the sealed personal data to their payment."""
    return f"payments/{payment_id}/personal"
