"""Sending the form: at most one payment for each form, whoever sends it again and however often.

The idempotency key is made of the order and the last payment that the page knew of; its fingerprint, of nothing else.
So a form that comes twice, with the same or another instrument, meets the one payment of its key.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from fastapi import Request

from api.hosted import entering
from api.hosted.appearance import Appearance
from api.hosted.visits import Visit
from api.http.errors import request_id_of
from api.http.idempotency import Answer, Once
from api.http.services import ApiServices
from api.public.schemas import PublicPayment
from clearway.checkout import forms
from clearway.checkout.forms import FormToken
from clearway.checkout.opening import OpenOrder, open_order
from clearway.checkout.options import Option, options_of
from clearway.checkout.stages import Stage
from clearway.domain.actor import CUSTOMER, Actor
from clearway.domain.errors import ConflictError, OutcomeUnknownError, UnprocessableError
from clearway.domain.ids import PAYMENT, new_id
from clearway.domain.payment import PaymentStatus
from clearway.durable.messages import CancelInput
from clearway.payments import commands
from clearway.payments.creation import PaymentTerms, create_payment
from clearway.payments.instruments import Instrument
from clearway.services import Allocation

CANCELLATION: Final = "cxl"
CHANGED_MIND: Final = "The customer chose another way to pay."
CARD_ERRORS: Final = {
    "incorrect_number": ("number", "number.invalid"),
    "incorrect_cvc": ("cvc", "cvc.invalid"),
    "invalid_expiry": ("expiry", "expiry.invalid"),
    "expired_card": ("expiry", "expiry.past"),
}
"""What a gateway that makes no token of a card says, by field."""


@dataclass(frozen=True)
class Paid:
    """A payment as a return names it."""

    id: str
    merchant_id: str
    status: PaymentStatus


@dataclass(frozen=True)
class Sent:
    """What became of a form. errors: keys of texts by field; empty: there is a payment, or the page is out of date."""

    opened: OpenOrder
    options: tuple[Option, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)


def fresh_token(services: ApiServices, opened: OpenOrder, options: tuple[Option, ...]) -> str:
    """Return the token of a form that is shown now."""
    named = tuple(option.gateway_id for option in options if option.gateway_id is not None)
    latest = opened.latest.id if opened.latest else None
    ends_at = int(time.time()) + forms.LIFE_S
    order_id = opened.payable.resource.id
    return forms.write(services.peppers, FormToken(order_id, opened.key_id, latest, named, ends_at))


async def send(
    request: Request, services: ApiServices, visit: Visit, opened: OpenOrder, look: Appearance, *, return_url: str
) -> Sent:
    """Pay the order as the form says."""
    fields = entering.fields_of(await request.body())
    values = entering.kept(fields) | {"option": fields.get("option", "")}
    token = forms.read(services.peppers, fields.get("token", ""), time.time())
    if token is None or (token.order_id, token.key_id) != (visit.order_id, visit.key_id):
        return await _again(services, opened, look, {"form": "form.old"}, values)
    if opened.stage is not Stage.PAY:
        return Sent(opened)
    options = await options_of(services, opened, choose_gateway=look.choose_gateway)
    option = _chosen(options, fields.get("option", ""), token)
    if option is None:
        return await _again(services, opened, look, {"option": "option.required"}, values)
    entered = entering.read(option, fields, opened.payable.mode, return_url)
    errors = dict(entered.errors)
    if entered.instrument is not None:
        errors = await _pay(services, opened, token, option, entered.instrument)
    if errors:
        return Sent(opened, options, errors, values)
    return Sent(await open_order(services, visit.order_id, visit.key_id))


async def call_off(request: Request, services: ApiServices, opened: OpenOrder) -> None:
    """Cancel the payment that waits for its customer. One that has moved on stays as it is: the page shows it."""
    if opened.latest is None or opened.stage is not Stage.REQUIRES_ACTION:
        return
    customer = Actor(CUSTOMER, opened.payable.merchant_id, request_id_of(request))
    with contextlib.suppress(ConflictError, OutcomeUnknownError):
        await commands.cancel(services, customer, opened.latest.id, new_id(CANCELLATION), CancelInput(CHANGED_MIND))


async def _again(
    services: ApiServices, opened: OpenOrder, look: Appearance, errors: dict[str, str], values: dict[str, str]
) -> Sent:
    """Return the form for another try; nothing was done."""
    if opened.stage is not Stage.PAY:
        return Sent(opened)
    return Sent(opened, await options_of(services, opened, choose_gateway=look.choose_gateway), errors, values)


def _chosen(options: tuple[Option, ...], asked: str, token: FormToken) -> Option | None:
    """Return the option that the form names, if this form was shown with it."""
    found = next((option for option in options if option.id == asked), None)
    if found is None or (found.gateway_id is not None and found.gateway_id not in token.gateways):
        return None
    return found


async def _pay(
    services: ApiServices, opened: OpenOrder, token: FormToken, option: Option, instrument: Instrument
) -> dict[str, str]:
    """Make the payment of this form, or find it. Return what is wrong by field; nothing was charged then."""
    terms = PaymentTerms(gateway_id=option.gateway_id)

    async def operation(allocation: Allocation) -> Answer:
        payment = await create_payment(services, opened.payable, instrument, allocation, terms)
        return Answer(HTTPStatus.CREATED, PublicPayment.of(payment))

    fingerprints = services.peppers.fingerprints(b"idempotency\0" + token.idempotency_key.encode())
    try:
        await Once(services, opened.payable.merchant_id, token.idempotency_key, *fingerprints).answer(
            PAYMENT, operation
        )
    except ConflictError as error:
        # When another payment holds the order, the page shows that one.
        return {} if error.code in {"order_has_payment", "order_closed"} else {"form": "form.no_gateway"}
    except UnprocessableError as error:
        place, text = CARD_ERRORS.get(error.code, ("form", "card.failed"))
        return {place: text}
    return {}
