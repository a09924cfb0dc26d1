"""One request to the stand-in while it is carried out, and the keys under which the engine acts for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clearway.simulator.records import Records

CHANNEL: Final = "paypal"
"""The channel of the engine's payments that were asked for through this facade."""


@dataclass(frozen=True, slots=True)
class Call:
    """What the acts need to know of a request. request_id: its PayPal-Request-Id. wrong_amount: a fault."""

    account: str
    at: float
    request_id: str | None = None
    wrong_amount: bool = False


def engine_key(records: Records, call: Call, object_id: str) -> str:
    """Return a key that the engine has not seen: the request's own, so that the journal names it, if that is free.

    It may be taken: request ids are an account's own, are forgotten, and may be sent again after a decline.
    """
    wanted = key = call.request_id or f"paypal:{object_id}"
    number = 1
    while records.operation(key) is not None:
        number += 1
        key = f"{wanted}#{number}"
    return key
