"""The methods and gateways that a checkout page gets. Do not show the reasons to customers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from api.routing.schemas import LeftOutResource
from clearway.domain.payment import PaymentMethod, UpiFlow
from clearway.domain.resources import Minor, Resource
from clearway.gateways.browser import ActionNeeded, BrowserSide, Component
from clearway.payments.offering import Offer, OfferedMethod


class BrowserResource(Resource):
    """What a page needs to take a payment by a gateway."""

    component: Component = Field(
        description="`card_field`: the gateway's, made by its script. `card_form`: your own fields, for test cards. "
        "`input`: your own field. `button`: nothing to enter."
    )
    field: str = Field(description="The field of `POST /payments` that takes what the component gives.")
    value: dict[str, Any] | None = Field(description="What to send in `field`, where it is always the same.")
    script: str | None = Field(description="The gateway's script, to be loaded from there. null: there is none.")
    values: dict[str, str] = Field(description="Publishable values for the script, by name.")
    missing: list[str] = Field(
        description="Settings of the gateway without which the component cannot be shown. Enter them first."
    )
    next_action: ActionNeeded = Field(
        description="Whether the payment will have a `next_action.url` to which you send the customer."
    )


class OfferResource(Resource):
    """A gateway that can take the payment."""

    gateway_id: str
    gateway: str = Field(description="Its kind.")
    name: str
    browser: BrowserResource
    upi: list[UpiFlow] | None = Field(
        description="For `upi`, how this gateway takes it. `intent`: send no `vpa`, and show `next_action.url` as a QR "
        "code or, on Android, as a link. `collect`: ask for the UPI ID, and send it as `vpa`. null: another method."
    )


class MethodResource(Resource):
    """A method, and the gateways that can take the payment by it, in the order of your routing."""

    method: PaymentMethod
    gateways: list[OfferResource]
    left_out: list[LeftOutResource] | None = Field(description="Gateways that cannot, and why. null: not requested.")


class CheckoutMethods(Resource):
    """How an amount can be paid."""

    object: Literal["checkout_methods"] = "checkout_methods"
    amount: Minor
    currency: str
    country: str | None
    methods: list[MethodResource]


def methods_resource(
    amount: int, currency: str, country: str | None, found: Iterable[OfferedMethod], *, explain: bool
) -> CheckoutMethods:
    """Render what is offered; with `explain` also methods that no gateway takes."""
    methods = [_method(each, explain=explain) for each in found if each.offers or explain]
    return CheckoutMethods(amount=amount, currency=currency, country=country, methods=methods)


def _method(found: OfferedMethod, *, explain: bool) -> MethodResource:
    left_out = [
        LeftOutResource(gateway_id=each.gateway_id, why=each.why, reason=each.reason)
        for each in found.decision.left_out
    ]
    gateways = [_offer(offer) for offer in found.offers]
    return MethodResource(method=found.method, gateways=gateways, left_out=left_out if explain else None)


def _offer(offer: Offer) -> OfferResource:
    config = offer.gateway
    return OfferResource(
        gateway_id=config.id,
        gateway=config.kind.value,
        name=config.name,
        browser=_browser(offer.browser),
        upi=list(offer.upi) or None,
    )


def _browser(side: BrowserSide) -> BrowserResource:
    return BrowserResource(
        component=side.component,
        field=side.field,
        value=dict(side.value) if side.value is not None else None,
        script=side.script,
        values=dict(side.values),
        missing=list(side.missing),
        next_action=side.next_action,
    )
