"""Personal data of a payment, encrypted: the only form allowed in a message to a workflow.

Temporal keeps messages until its retention is over, and shows them in its UI. Activities and services decrypt;
workflows pass the text on. The payment's row has the same text until the payment ends, so that a new run can be
started.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import orjson

from clearway.crypto.encryption import Cipher
from clearway.domain.payment import PersonalData


@dataclass(frozen=True, slots=True)
class PostedForm:
    """A form that the customer's browser posts: to which URL, and its fields."""

    url: str = field(repr=False)
    fields: dict[str, str] = field(repr=False)


def seal(cipher: Cipher, payment_id: str, personal: PersonalData) -> str:
    """Encrypt; only `unseal` with the same payment id decrypts."""
    return cipher.encrypt(orjson.dumps(asdict(personal)).decode(), personal_context(payment_id))


def unseal(cipher: Cipher, payment_id: str, token: str) -> PersonalData:
    """Decrypt. Raises DecryptionError."""
    return PersonalData(**orjson.loads(cipher.decrypt(token, personal_context(payment_id))))


def seal_return_url(cipher: Cipher, payment_id: str, url: str | None) -> str | None:
    """Encrypt the merchant's return URL: customers may come back after the payment has ended."""
    return None if url is None else cipher.encrypt(url, return_context(payment_id))


def seal_form(cipher: Cipher, payment_id: str, form: PostedForm) -> str:
    """Encrypt the form that the customer's browser posts to the gateway: it may have personal data."""
    return cipher.encrypt(orjson.dumps(asdict(form)).decode(), form_context(payment_id))


def unseal_form(cipher: Cipher, payment_id: str, token: str) -> PostedForm:
    """Decrypt. Raises DecryptionError."""
    return PostedForm(**orjson.loads(cipher.decrypt(token, form_context(payment_id))))


def form_context(payment_id: str) -> str:
    """Return the context that binds an encrypted form to its payment."""
    return f"payments/{payment_id}/form"


def return_context(payment_id: str) -> str:
    """Return the context that binds the encrypted return URL to its row."""
    return f"payments/{payment_id}/return_url"


def personal_context(payment_id: str) -> str:
    """Return the context that binds the encrypted personal data to its payment."""
    return f"payments/{payment_id}/personal"
