"""What the gateway of a payment can express of a capture or refund, checked before anything is recorded or sent."""

from __future__ import annotations

from typing import Final

from clearway.domain.errors import UnprocessableError
from clearway.domain.gateway import made_up_gateway_id
from clearway.domain.payment import PaymentMethod
from clearway.domain.resources import PaymentResource
from clearway.gateways.contract import Capabilities
from clearway.gateways.declared import capabilities_of
from clearway.services import Services

ANYTHING: Final = Capabilities(frozenset(PaymentMethod))
"""Of a gateway that is not known here: it answers for itself."""


async def capabilities_at(services: Services, merchant_id: str, payment: PaymentResource) -> Capabilities:
    """Return the capabilities of the payment's gateway."""
    configs = await services.gateways.of_merchant(merchant_id)
    config = next((each for each in configs if each.id == payment.gateway_id), None)
    return ANYTHING if config is None else capabilities_of(config)


def refuse_capture(able: Capabilities, payment: PaymentResource, amount_minor: int | None, *, final: bool) -> None:
    """Raise UnprocessableError for a capture that the gateway cannot make: it would lose what is not captured."""
    if amount_minor is not None and amount_minor < payment.amount and not able.partial_capture:
        what = f"captures only the whole {payment.amount} (minor units)"
    elif not final and not able.repeated_capture:
        what = "captures a payment only once, so `final` must be true"
    else:
        return
    detail = f"The gateway of payment {payment.id} {what}. Nothing was captured."
    raise UnprocessableError("capture_not_supported", detail)


def refuse_made_up(merchant_id: str, payment: PaymentResource) -> None:
    """Raise UnprocessableError for a payment that is test data: no gateway knows it."""
    if payment.gateway_id == made_up_gateway_id(merchant_id):
        detail = f"Payment {payment.id} was made up as test data, so no gateway can refund it. Nothing was refunded."
        raise UnprocessableError("refund_not_supported", detail)


def refuse_refund(able: Capabilities, payment: PaymentResource, amount_minor: int | None) -> None:
    """Raise UnprocessableError for a refund that the gateway cannot make."""
    if not able.refund:
        what = "takes no refunds by API: refund the customer in its dashboard or by a transfer"
    elif amount_minor is not None and amount_minor < payment.amount_captured and not able.partial_refund:
        what = f"refunds only the whole {payment.amount_captured} (minor units)"
    else:
        return
    raise UnprocessableError(
        "refund_not_supported", f"The gateway of payment {payment.id} {what}. Nothing was refunded."
    )
