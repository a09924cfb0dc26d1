"""The token of a checkout form: which order it pays, after which payment, and with which gateways. Signed, not secret.

A form makes at most one payment, however often it is sent, from however many tabs: its idempotency key is made of the
order and the last payment that the page knew of. A page that knows of a newer payment has another key.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import asdict, dataclass
from typing import Final

import orjson

from clearway.crypto.api_secrets import Peppers
from clearway.crypto.signed_texts import sign, verified

LIFE_S: Final = 12 * 3_600
"""Shorter than an idempotency key is kept, so a form that is still valid meets its own payment."""
PURPOSE: Final = "checkout-form"
NONE: Final = "-"


@dataclass(frozen=True, slots=True)
class FormToken:
    """What a form may do. after: the last payment of the order. gateways: those that the form may name."""

    order_id: str
    key_id: str
    after: str | None
    gateways: tuple[str, ...]
    ends_at: int

    @property
    def idempotency_key(self) -> str:
        """The key of the one payment of this form. No merchant's own key has a space."""
        return f"checkout {self.order_id} {self.after or NONE}"


def write(peppers: Peppers, token: FormToken) -> str:
    """Return the token as it stands in the form."""
    text = base64.urlsafe_b64encode(orjson.dumps(asdict(token))).decode()
    return f"{text}.{sign(peppers, PURPOSE, text)}"


def read(peppers: Peppers, written: str, now: float) -> FormToken | None:
    """Return the token; None for one that was not written here, or is too old."""
    text, _, signature = written.partition(".")
    if not verified(peppers, PURPOSE, text, signature):
        return None
    try:
        found = orjson.loads(base64.urlsafe_b64decode(text))
    except (binascii.Error, ValueError):
        return None
    token = FormToken(**found | {"gateways": tuple(found["gateways"])})
    return token if token.ends_at > now else None
