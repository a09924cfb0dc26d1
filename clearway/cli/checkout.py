"""What a merchant's own program does: create an order, take a payment, wait, capture, refund. All over the public API.

The values are the published test values of `docs/testing-values.md`; with them the simulator always does the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from clearway.cli.merchant_api import MerchantApi
from clearway.cli.problems import StoryError

POLL_S: Final = 0.4
PATIENCE_S: Final = 90.0
"""A test payment takes 5 to 10 s, and a machine may be busy."""

UPI_SUCCESS: Final = {"method": "upi", "vpa": "success@razorpay"}
UPI_FAILURE: Final = {"method": "upi", "vpa": "failure@razorpay"}
UPI_PENDING: Final = {"method": "upi", "vpa": "pending@razorpay"}
UPI_WRONG_AMOUNT: Final = {"method": "upi", "vpa": "wrongamount@clearway"}
UPI_REFUND_REVERSED: Final = {"method": "upi", "vpa": "refundreversed@clearway"}
UPI_REFUND_FAILS: Final = {"method": "upi", "vpa": "refundfails@clearway"}
CARD_APPROVED: Final = "4242424242424242"
CARD_WITHOUT_FUNDS: Final = "4000000000009995"
CARD_WITH_3DS: Final = "4000002500003155"

OnChange = Callable[[dict[str, Any]], None]


def card(number: str) -> dict[str, Any]:
    """Return the part of a payment's body that names a test card."""
    expiry_year = datetime.now(UTC).year + 3
    return {
        "method": "card",
        "card": {"number": number, "expiry_month": 12, "expiry_year": expiry_year, "cvv": "123"},
    }


def payment_of(api: MerchantApi, amount: int, currency: str, instrument: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Create an order and a payment of it, and return the payment as recorded."""
    order = api.post("/orders", {"amount": amount, "currency": currency, "notes": {"made_by": "clearway trigger"}})
    payment: dict[str, Any] = api.post("/payments", {"order_id": order["id"], **instrument, **more})
    return payment


def await_status(
    api: MerchantApi, path: str, *wanted: str, patience_s: float = PATIENCE_S, on_change: OnChange | None = None
) -> dict[str, Any]:
    """Read a payment or a refund until it has one of the wanted statuses, and return it.

    on_change: called with the resource each time its status has changed. Raises StoryError when it never gets there.
    """
    deadline = time.monotonic() + patience_s
    status = None
    while True:
        found: dict[str, Any] = api.get(path)
        if found["status"] != status:
            status = found["status"]
            if on_change is not None:
                on_change(found)
        if status in wanted:
            return found
        if time.monotonic() >= deadline:
            raise StoryError(
                f"{found['id']} is {status}, and not {' or '.join(wanted)}, after {patience_s:.0f} s. "
                f"Does a worker run? `clearway doctor` and `clearway payments show` tell more."
            )
        time.sleep(POLL_S)


def press_first_button(payment: dict[str, Any]) -> None:
    """Approve on the page that the payment waits for, as the customer would."""
    url = payment["next_action"]["url"]
    try:
        response = httpx.post(f"{url}/complete", timeout=10, trust_env=False)
    except httpx.TransportError as error:
        raise StoryError(f"The customer's page {url} can't be reached: {error}.") from None
    if response.is_error:
        raise StoryError(f"The customer's page {url} answered HTTP {response.status_code}.")


def await_event(
    api: MerchantApi, payment_id: str, event: str, *, refund_id: str | None = None, patience_s: float = PATIENCE_S
) -> str:
    """Return the id of the payment's (or its refund's) event of this type, once it is there. Raises StoryError."""

    def find() -> str | None:
        history = api.get(f"/payments/{payment_id}/history")["data"]
        about = (entry for entry in history if entry["type"] == event and entry["refund_id"] == refund_id)
        return next((str(entry["event_id"]) for entry in about), None)

    return _await_event(find, refund_id or payment_id, event, patience_s)


def await_order_event(api: MerchantApi, order_id: str, event: str, *, patience_s: float = PATIENCE_S) -> str:
    """Return the id of the order's event of this type, once it is there. Raises StoryError."""

    def find() -> str | None:
        newest = api.get("/events", type=event, limit=100)["data"]
        return next((str(each["id"]) for each in newest if each["data"]["id"] == order_id), None)

    return _await_event(find, order_id, event, patience_s)


def _await_event(find: Callable[[], str | None], about: str, event: str, patience_s: float) -> str:
    deadline = time.monotonic() + patience_s
    while True:
        found = find()
        if found is not None:
            return found
        if time.monotonic() >= deadline:
            raise StoryError(f"{about} was made, but {event} has not come within {patience_s:.0f} s.")
        time.sleep(POLL_S)
