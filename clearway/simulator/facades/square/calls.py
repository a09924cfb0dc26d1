"""The context of one request to the stand-in, and the idempotency keys that the engine gets for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clearway.simulator.facades.things import unused_key
from clearway.simulator.records import Records

CHANNEL: Final = "square"
"""The channel of the engine's payments that were made through this facade."""


@dataclass(frozen=True, slots=True)
class Call:
    """The context of a request. key: its idempotency_key. wrong_amount: a fault."""

    account: str
    at: float
    key: str | None = None
    wrong_amount: bool = False


def engine_key(records: Records, call: Call, object_id: str) -> str:
    """Return an unused engine key: the request's own if it is free."""
    return unused_key(records, call.key or f"square:{object_id}")
