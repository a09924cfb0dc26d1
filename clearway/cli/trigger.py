"""`clearway trigger`: makes an event really happen, through the public API with test values, and waits for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import typer

from clearway.cli import checkout, faults
from clearway.cli.decorators import Result, shows_result
from clearway.cli.merchant_api import ApiKey, ApiSecret, ApiUrl, MerchantApi, open_api
from clearway.cli.output import plain, table
from clearway.cli.problems import CommandError, StoryError
from clearway.domain.money import CurrencyUnknownError, exponent
from clearway.domain.order import LIFE_MIN

DEADLINE_WAIT_S: Final = 2_000.0
"""Over the usual PAYMENT_DEADLINE_S."""
EXPIRY_WAIT_S: Final = 400.0
"""Over the shortest life of an order and the usual time between two maintenance runs."""
CLOCKS_DIFFER: Final = timedelta(seconds=5)

FAILS_OVER_BETWEEN: Final = 2
SENT_BRIEFLY: Final = 3
"""How often a payment is sent to a gateway that refuses it, before it is tried at another."""


@dataclass(frozen=True)
class Asked:
    """The options of the payment that causes the event."""

    api: MerchantApi
    amount: int
    currency: str
    patience_s: float

    def pay(self, instrument: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Create an order and its payment."""
        return checkout.payment_of(self.api, self.amount, self.currency, instrument, **more)

    def paid(self, instrument: dict[str, Any] = checkout.UPI_SUCCESS) -> dict[str, Any]:
        """Create a payment and wait until it has succeeded."""
        payment = self.pay(instrument)
        return checkout.await_status(self.api, f"/payments/{payment['id']}", "success")

    def authorized(self) -> dict[str, Any]:
        """Create a card payment that waits for its capture."""
        payment = self.pay(checkout.card(checkout.CARD_APPROVED), capture_method="manual")
        return checkout.await_status(self.api, f"/payments/{payment['id']}", "authorized")

    def refund(self, payment: dict[str, Any]) -> dict[str, Any]:
        """Refund a payment in full."""
        refund: dict[str, Any] = self.api.post(f"/payments/{payment['id']}/refunds", {"reason": "clearway trigger"})
        return refund


@dataclass(frozen=True)
class Trigger:
    """One event. make: causes it, and returns the resource it is about."""

    how: str
    make: Callable[[Asked], dict[str, Any]]
    patience_s: float = checkout.PATIENCE_S


def _cancelled(asked: Asked) -> dict[str, Any]:
    payment = asked.pay(checkout.UPI_PENDING)
    cancelled: dict[str, Any] = asked.api.post(f"/payments/{payment['id']}/cancel")
    return cancelled


def _captured(asked: Asked) -> dict[str, Any]:
    captured: dict[str, Any] = asked.api.post(f"/payments/{asked.authorized()['id']}/capture")
    return captured


def _order(asked: Asked, **more: Any) -> dict[str, Any]:
    order: dict[str, Any] = asked.api.post("/orders", {"amount": asked.amount, "currency": asked.currency, **more})
    return order


def _order_cancelled(asked: Asked) -> dict[str, Any]:
    cancelled: dict[str, Any] = asked.api.post(f"/orders/{_order(asked)['id']}/cancel")
    return cancelled


def _order_expired(asked: Asked) -> dict[str, Any]:
    return _order(asked, expires_at=(datetime.now(UTC) + LIFE_MIN + CLOCKS_DIFFER).isoformat())


def _tested(asked: Asked) -> dict[str, Any]:
    enabled = [found for found in asked.api.all("/webhook_endpoints", limit=100) if found["status"] == "enabled"]
    if not enabled:
        raise CommandError(
            "The merchant has no enabled webhook endpoint to test: make one with POST /webhook_endpoints."
        )
    delivery: dict[str, Any] = asked.api.post(f"/webhook_endpoints/{enabled[0]['id']}/test")
    return delivery


def _attempt_failed(asked: Asked) -> dict[str, Any]:
    """Connect a second simulator, and let the first refuse the payment before it does anything."""
    connected = [found for found in asked.api.all("/gateways", limit=100) if found["enabled"]]
    if len(connected) < FAILS_OVER_BETWEEN:
        asked.api.post("/gateways", {"kind": "simulator", "name": "Second simulator"})
    match = {"amount": asked.amount, "method": "upi"}
    faults.switch_on({"operation": "authorise", "fault": "error_before", "times": SENT_BRIEFLY, "match": match})
    return asked.pay(checkout.UPI_SUCCESS)


def _retrying(asked: Asked) -> dict[str, Any]:
    return asked.pay(checkout.UPI_FAILURE, retries={"scheduled": 0})


def _retried(asked: Asked) -> dict[str, Any]:
    payment = _retrying(asked)
    checkout.await_status(asked.api, f"/payments/{payment['id']}", "retrying")
    retried: dict[str, Any] = asked.api.post(f"/payments/{payment['id']}/retry")
    return retried


def _refund_in_doubt(asked: Asked) -> dict[str, Any]:
    """Let the gateway pay out another amount than asked, once."""
    payment = asked.paid()
    match = {"payment_id": payment["id"]}
    faults.switch_on({"operation": "refund", "fault": "wrong_amount", "times": 1, "match": match})
    return asked.refund(payment)


TRIGGERS: Final[dict[str, Trigger]] = {
    "order.cancelled": Trigger("an order that the merchant cancels", _order_cancelled),
    "order.expired": Trigger(
        "an order nobody pays; takes a minute, and up to 5 minutes more until maintenance records it",
        _order_expired,
        patience_s=EXPIRY_WAIT_S,
    ),
    "payment.created": Trigger("any payment", lambda asked: asked.pay(checkout.UPI_SUCCESS)),
    "payment.attempt_failed": Trigger("a gateway that is down, and a second one that is not", _attempt_failed),
    "payment.retrying": Trigger("a UPI payment with retries that is declined", _retrying),
    "payment.retried": Trigger("a UPI payment with retries that is declined, and retried", _retried),
    "payment.requires_action": Trigger(
        "a card that needs 3-D Secure", lambda asked: asked.pay(checkout.card(checkout.CARD_WITH_3DS))
    ),
    "payment.processing": Trigger(
        "a UPI payment that stays pending; comes with the first status poll (15 s)",
        lambda asked: asked.pay(checkout.UPI_PENDING),
    ),
    "payment.authorized": Trigger("a card payment with manual capture", Asked.authorized),
    "payment.captured": Trigger("a card payment with manual capture, captured", _captured),
    "payment.success": Trigger("a UPI payment that succeeds", lambda asked: asked.pay(checkout.UPI_SUCCESS)),
    "payment.failed": Trigger("a UPI payment that is declined", lambda asked: asked.pay(checkout.UPI_FAILURE)),
    "payment.cancelled": Trigger("a pending UPI payment that is cancelled", _cancelled),
    "payment.expired": Trigger(
        "a UPI payment nobody answers; takes PAYMENT_DEADLINE_S (30 minutes by default)",
        lambda asked: asked.pay(checkout.UPI_PENDING),
        patience_s=DEADLINE_WAIT_S,
    ),
    "payment.needs_review": Trigger(
        "a gateway that charges another amount than requested", lambda asked: asked.pay(checkout.UPI_WRONG_AMOUNT)
    ),
    "refund.created": Trigger("a refund of a paid payment", lambda asked: asked.refund(asked.paid())),
    "refund.processed": Trigger("a refund that succeeds", lambda asked: asked.refund(asked.paid())),
    "refund.failed": Trigger(
        "a refund that the bank refuses", lambda asked: asked.refund(asked.paid(checkout.UPI_REFUND_FAILS))
    ),
    "refund.reversed": Trigger(
        "a refund that the bank sends back after it was processed",
        lambda asked: asked.refund(asked.paid(checkout.UPI_REFUND_REVERSED)),
    ),
    "refund.needs_review": Trigger("a gateway that pays out another amount than requested", _refund_in_doubt),
    "endpoint.test": Trigger("a test of the merchant's first enabled webhook endpoint", _tested),
}
"""Every event but those of a gateway that contradicts itself or fails."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Try it")(trigger)


def _known_events(incomplete: str) -> list[str]:
    return [name for name in TRIGGERS if name.startswith(incomplete)]


@shows_result
def trigger(
    event: Annotated[str | None, typer.Argument(help="Such as payment.success.", autocompletion=_known_events)] = None,
    *,
    show_list: Annotated[bool, typer.Option("--list", help="List the events that can be triggered.")] = False,
    amount: Annotated[int, typer.Option(help="In minor units, such as paise or cents.", min=1)] = 50_000,
    currency: Annotated[str, typer.Option(help="ISO 4217.")] = "INR",
    wait: Annotated[
        float | None, typer.Option(help="Seconds to wait for the event.", min=0, show_default=False)
    ] = None,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> Result:
    """Cause an event with test values, and wait until it exists. Without EVENT, list the choices."""
    if show_list or event is None:
        return _list()
    chosen = TRIGGERS.get(event)
    if chosen is None:
        raise typer.BadParameter(f"{event}: choose one of {', '.join(TRIGGERS)}.", param_hint="EVENT")
    _require_currency(currency)
    patience_s = chosen.patience_s if wait is None else wait
    with open_api(api_url, api_key, api_secret) as api:
        subject = chosen.make(Asked(api, amount, currency, patience_s))
        made = _await(api, event, subject, patience_s)
    return Result(
        {"event": made, "subject": subject}, f"[green]✓[/] {event} {made['id']}  about {plain(subject['id'])}"
    )


def _require_currency(currency: str) -> None:
    try:
        exponent(currency)
    except CurrencyUnknownError as error:
        raise typer.BadParameter(f"{error}.", param_hint="--currency") from None


def _await(api: MerchantApi, event: str, subject: dict[str, Any], patience_s: float) -> dict[str, Any]:
    """Return the event about the subject: an order, a payment, a refund or a test delivery."""
    match subject["object"]:
        case "payment":
            event_id = checkout.await_event(api, subject["id"], event, patience_s=patience_s)
        case "refund":
            event_id = checkout.await_event(
                api, subject["payment_id"], event, refund_id=subject["id"], patience_s=patience_s
            )
        case "order":
            event_id = checkout.await_order_event(api, subject["id"], event, patience_s=patience_s)
        case "webhook_delivery":
            event_id = subject["event_id"]
        case other:
            raise StoryError(f"an event about {other} is not known here")
    found: dict[str, Any] = api.get(f"/events/{event_id}")
    return found


def _list() -> Result:
    rows = table("event", "how")
    for name, item in TRIGGERS.items():
        rows.add_row(name, plain(item.how))
    return Result([{"event": name, "how": item.how} for name, item in TRIGGERS.items()], rows)
