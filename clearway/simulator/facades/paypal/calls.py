"""The context of one request to the stand-in, and the idempotency keys that the engine gets for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clearway.simulator.records import Records

CHANNEL: Final = "paypal"
"""The channel of the engine's payments that were made through this facade."""


@dataclass(frozen=True, slots=True)
class Call:
    """The context of a request. request_id: its PayPal-Request-Id. wrong_amount: a fault."""

    account: str
    at: float
    request_id: str | None = None
    wrong_amount: bool = False


def engine_key(records: Records, call: Call, object_id: str) -> str:
    """Return an unused engine key: the request's own if it is free, so that the journal has it.

    It may be used already: request ids belong to an account, expire, and may be sent again after a decline.
    """
    wanted = key = call.request_id or f"paypal:{object_id}"
    number = 1
    while records.operation(key) is not None:
        number += 1
        key = f"{wanted}#{number}"
    return key
