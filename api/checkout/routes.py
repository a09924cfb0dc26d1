"""`/checkout/methods`: how an amount can be paid, at which gateways, and what a page must load for each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.checkout.schemas import CheckoutMethods, methods_resource
from api.http.fields import Country, CurrencyCode
from api.http.problems import TO_MERCHANTS, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from clearway.domain.ids import PAYMENT, new_id
from clearway.domain.limits import AMOUNT_MINOR_MAX
from clearway.domain.payment import CaptureMethod, PaymentMethod
from clearway.domain.permissions import Permission
from clearway.domain.routing_conditions import PaymentFacts
from clearway.payments.offering import offered

router = Router(prefix="/checkout", tags=["payments"])

Seller = Annotated[Principal, requires(Permission.PAYMENTS_WRITE)]
Amount = Annotated[int, Query(ge=1, le=AMOUNT_MINOR_MAX, description="In minor units of the currency.")]
Currency = Annotated[CurrencyCode, Query(description="ISO 4217, three capital letters.")]
CustomerCountry = Annotated[
    Country | None, Query(description="The customer's country, for your routing rules: ISO 3166, two capital letters.")
]
Capture = Annotated[CaptureMethod, Query(description="`manual`: you capture later, which not every gateway can.")]
Why = Annotated[bool, Query(description="Also list the methods and gateways that are left out, with the reasons.")]


@router.get("/methods", responses=declare(*TO_MERCHANTS), summary="List payment methods for an amount")
async def get_checkout_methods(
    principal: Seller,
    services: ServicesDep,
    *,
    amount: Amount,
    currency: Currency,
    country: CustomerCountry = None,
    capture_method: Capture = CaptureMethod.AUTOMATIC,
    explain: Why = False,
) -> CheckoutMethods:
    """List the methods, and for each the gateways in the order of your routing, with what a page must load.

    A card token belongs to the gateway whose field made it: send that `gateway_id` with the payment.
    """
    now, payment_id = datetime.now(UTC), new_id(PAYMENT)

    def imagined(method: PaymentMethod) -> PaymentFacts:
        return PaymentFacts(
            payment_id=payment_id,
            method=method,
            currency=currency,
            amount_minor=amount,
            capture_method=capture_method,
            at=now,
            country=country,
        )

    found = await offered(services, principal.merchant_id, imagined)
    return methods_resource(amount, currency, country, found, explain=explain)
