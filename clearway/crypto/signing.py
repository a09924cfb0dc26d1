"""Webhook signatures: the secrets merchants hold, and the headers computed with them over the raw body.

Owns the two schemes a delivery carries side by side:

- `X-Webhook-Signature`: hex HMAC-SHA256 of the body alone, keyed with the secret string exactly as it was shown; one
  signature per secret still valid, comma separated.
- `webhook-id`, `webhook-timestamp`, `webhook-signature`: Standard Webhooks 1.0.0, which also covers the time of the
  attempt (so a captured delivery cannot be replayed later) and carries one signature per secret still valid.

It must not send, store or log anything, and never sees a secret in its encrypted form.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets as random_source
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from standardwebhooks import Webhook

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - a prefix, not a secret
SECRET_BYTES: Final = 32
SIGNATURE_HEADER: Final = "X-Webhook-Signature"
ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
STANDARD_SIGNATURE_HEADER: Final = "webhook-signature"

assert 24 <= SECRET_BYTES <= 64, "Standard Webhooks 1.0.0 asks for 24 to 64 random bytes"  # noqa: PLR2004


def new_secret() -> str:
    """Return a fresh signing secret: `whsec_` and 32 random bytes in base64."""
    return SECRET_PREFIX + base64.b64encode(random_source.token_bytes(SECRET_BYTES)).decode()


def sign(secrets: Sequence[str], message_id: str, timestamp: datetime, body: bytes) -> dict[str, str]:
    """Return the signature headers of one delivery attempt.

    Args:
        secrets: Every secret valid now, the current one first; more than one only while a rotation overlaps.
        message_id: The event's id, the same on every attempt.
        timestamp: The time of this attempt, with a time zone.
        body: The UTF-8 JSON exactly as it goes over the wire.

    Raises:
        ValueError: There is no secret, an id the signed text could not hold, or a time without a zone.
    """
    if not secrets:
        raise ValueError("A delivery needs at least one secret to be signed with.")
    if not message_id or "." in message_id:
        raise ValueError("A message id must not be empty nor contain a full stop: it delimits the signed text.")
    if timestamp.tzinfo is None:
        raise ValueError("The time of an attempt needs a time zone.")
    # Webhook.sign() overwrites the zone instead of converting, so any other zone would sign another instant.
    instant = timestamp.astimezone(UTC).replace(microsecond=0)
    text = body.decode("utf-8")
    return {
        SIGNATURE_HEADER: ",".join(body_signature(secret, body) for secret in secrets),
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(int(instant.timestamp())),
        STANDARD_SIGNATURE_HEADER: " ".join(Webhook(secret).sign(message_id, instant, text) for secret in secrets),
    }


def body_signature(secret: str, body: bytes) -> str:
    """Return one signature of `X-Webhook-Signature`; the key is the secret as text, prefix included, not decoded."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
