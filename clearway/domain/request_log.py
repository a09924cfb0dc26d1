"""One request of a merchant, as it is logged. Neither query nor address is kept: they may name people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from clearway.domain.ids import ALPHABET, BODY_LENGTH, NOUNS
from clearway.domain.text import storable

KEY_LENGTH_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request and its answer.

    route: the path's template, such as `/payments/{payment_id}`. subject_id: the id in the path that Clearway
    made. actor: `key:…` or `user:…`. error_code: of a problem. request_body, response_body: masked JSON texts.
    """

    id: str
    merchant_id: str
    method: str
    route: str
    subject_id: str | None
    status: int
    error_code: str | None
    actor: str
    request_id: str
    idempotency_key: str | None
    started_at: datetime
    duration_ms: int
    request_body: str | None = None
    response_body: str | None = None


def subject_in(parameters: dict[str, Any]) -> str | None:
    """Return the first parameter of a path that is an id of Clearway: other text may be anything."""
    return next((value for value in parameters.values() if isinstance(value, str) and is_known_id(value)), None)


def key_kept(header: str | None) -> str | None:
    """Return an Idempotency-Key as it is kept."""
    return storable(header, KEY_LENGTH_MAX) if header else None


def is_known_id(text: str) -> bool:
    """Return whether a text has the form of an id that Clearway makes."""
    head, _, body = text.rpartition("_")
    known = head.partition("_")[0] in NOUNS
    return known and len(body) == BODY_LENGTH and all(character in ALPHABET for character in body)
