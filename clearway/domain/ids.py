"""Public identifiers: a prefix that names the noun, then 26 characters that sort by time of creation.

The 26 characters are a ULID (48 bits of Unix milliseconds, 80 random bits, Crockford base 32), so that primary keys are
inserted in order and cannot be guessed. Ids are made by the API or inside activities, never in workflow code.
"""

from __future__ import annotations

import secrets
import threading
import time
from datetime import UTC, datetime
from typing import Final

from clearway.domain.merchant import Mode

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
BODY_LENGTH: Final = 26

MERCHANT = "mer"
ORDER = "order"
PAYMENT = "pay"
CAPTURE = "cap"
REFUND = "rfnd"
EVENT = "evt"
ENDPOINT = "whe"
DELIVERY = "dlv"
RECOVERY = "rcv"
LEDGER_TRANSACTION = "txn"
AUDIT_ENTRY = "aud"
GATEWAY = "gw"
GATEWAY_EVENT = "gwe"
GATEWAY_CALL = "gwc"
HEALTH_CHECK = "ghc"
FX_RATE = "fxr"
FX_QUOTE = "fxq"
REVIEW = "rev"
REQUEST = "req"
LOGGED_REQUEST = "rql"
API_KEY = "key"
ROUTING_VERSION = "rtv"
ERROR_OVERRIDE = "eov"
ACCOUNT = "acc"
USER = "usr"
SESSION = "ses"
INVITATION = "inv"
SAVED_VIEW = "view"
ONE_TIME_TOKEN = "ott"  # noqa: S105 - a prefix
RECONCILIATION = "rcn"
RECONCILIATION_ITEM = "rci"
CORRECTION = "rcc"
SETTLEMENT_IMPORT = "imp"
MAIL = "mail"
DECISION = "dec"
"""A request to resolve a review; it names no resource."""
INSTALLATION = "installation"
"""The id for changes that concern the whole installation."""

NOUNS: Final = {
    ACCOUNT: "account",
    API_KEY: "api_key",
    AUDIT_ENTRY: "audit_entry",
    CAPTURE: "capture",
    DELIVERY: "webhook_delivery",
    ENDPOINT: "webhook_endpoint",
    EVENT: "event",
    FX_QUOTE: "fx_quote",
    GATEWAY: "gateway",
    GATEWAY_EVENT: "gateway_event",
    INSTALLATION: "installation",
    INVITATION: "invitation",
    MAIL: "mail",
    MERCHANT: "merchant",
    ORDER: "order",
    PAYMENT: "payment",
    RECONCILIATION: "reconciliation",
    RECONCILIATION_ITEM: "reconciliation_item",
    REFUND: "refund",
    REVIEW: "review",
    ROUTING_VERSION: "routing_version",
    SESSION: "session",
    SETTLEMENT_IMPORT: "settlement_import",
    USER: "user",
    ERROR_OVERRIDE: "error_override",
}
"""What an id names, by its prefix: the subject types of events and of the audit log."""

CLOCK_SKEW_MS: Final = 24 * 3_600_000
"""How far the clocks of two machines may differ before `earliest` misses rows."""


_RANDOM_BITS: Final = 80
_STEP_BITS: Final = 64
_TIME_LENGTH: Final = 10
_lock = threading.Lock()
_last = 0


def new_id(prefix: str) -> str:
    """Return a new identifier such as `pay_01jd3x…`: unique without a database query.

    Identifiers of one process sort in the order they were made, within a millisecond too: the next one is then the last
    plus a random step, which keeps it unguessable.
    """
    return f"{prefix}_{_base32(_next_number())}"


def _next_number() -> int:
    global _last  # noqa: PLW0603 - the order of identifiers is a property of the process
    milliseconds = time.time_ns() // 1_000_000
    with _lock:
        if milliseconds > _last >> _RANDOM_BITS:
            _last = (milliseconds << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
        else:
            _last += secrets.randbits(_STEP_BITS) + 1
        return _last


def first_id(prefix: str, moment: datetime) -> str:
    """Return a text that sorts before every identifier of this noun created now or later."""
    milliseconds = int(moment.timestamp() * 1_000)
    return f"{prefix}_{_base32(milliseconds << _RANDOM_BITS)}"


def id_at(prefix: str, moment: datetime, randomness: int) -> str:
    """Return the identifier of something that is said to have been created at a moment. randomness: 80 bits."""
    milliseconds = int(moment.timestamp() * 1_000)
    return f"{prefix}_{_base32(milliseconds << _RANDOM_BITS | randomness)}"


def api_key_prefix(mode: Mode) -> str:
    """Return the prefix of an API key. It shows the mode to people and to scanners for leaked keys."""
    return f"{API_KEY}_{mode}"


def is_id(prefix: str, text: str) -> bool:
    """Return whether `text` has the form of an identifier of this noun. It need not exist.

    A mode may follow the prefix, as in `key_live_…`.
    """
    head, _, body = text.rpartition("_")
    return (
        prefix in {head, head.rpartition("_")[0]}
        and len(body) == BODY_LENGTH
        and all(character in ALPHABET for character in body)
    )


def subject_of(operation_key: str | None) -> str | None:
    """Return the payment or refund that an operation key names, `<id>:<operation>:<n>`; None: the key is another's."""
    subject_id = (operation_key or "").partition(":")[0]
    return subject_id if is_id(PAYMENT, subject_id) or is_id(REFUND, subject_id) else None


def noun_of(identifier: str) -> str:
    """Return what an id names, such as `payment`. Raises KeyError for a prefix that is not in NOUNS."""
    return NOUNS[identifier.partition("_")[0]]


def earliest(prefix: str, since: str) -> str:
    """Return a lower bound for the ids of rows created after the row with the id `since`.

    A query with this bound reads only the partitions from that month on. It allows for clocks that differ by a day; an
    id that carries no time gives no bound.
    """
    body = since.rpartition("_")[2]
    if len(body) != BODY_LENGTH or any(character not in ALPHABET for character in body):
        return f"{prefix}_"
    return f"{prefix}_{_base32(max(_milliseconds(body) - CLOCK_SKEW_MS, 0) << _RANDOM_BITS)}"


def made_at(identifier: str) -> datetime:
    """Return when an identifier was made, by the clock of the process that made it."""
    return datetime.fromtimestamp(_milliseconds(identifier.rpartition("_")[2]) / 1_000, UTC)


def _milliseconds(body: str) -> int:
    return sum(ALPHABET.index(digit) << 5 * place for place, digit in enumerate(reversed(body[:_TIME_LENGTH])))


def _base32(number: int) -> str:
    digits = []
    for _ in range(BODY_LENGTH):
        number, digit = divmod(number, 32)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
