"""The ways to pay that a checkout page offers: what routing would do with the order now, as entries of a list.

An entry that needs one gateway's own component names that gateway: a card token belongs to it. Other entries are routed
when the payment is made, so they can fail over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from clearway.checkout.opening import OpenOrder
from clearway.domain.ids import PAYMENT, new_id
from clearway.domain.payment import CaptureMethod, PaymentMethod, UpiFlow
from clearway.domain.routing_conditions import PaymentFacts
from clearway.gateways.browser import BrowserSide, Component
from clearway.payments.offering import Offer, OfferedMethod, offered
from clearway.services import Services

OWN_COMPONENT: Final = frozenset({Component.CARD_FIELD, Component.CARD_FORM, Component.BUTTON})


@dataclass(frozen=True, slots=True)
class Option:
    """One way to pay. gateway_id: the gateway that its component belongs to, or that the customer chooses; or None.

    kind: of the gateway that comes first. gateway_name: shown where the customer chooses among several. upi: how UPI is
    taken, by any gateway that the payment may be routed to.
    """

    method: PaymentMethod
    side: BrowserSide
    kind: str
    gateway_id: str | None = None
    gateway_name: str | None = None
    upi: frozenset[UpiFlow] = frozenset()

    @property
    def id(self) -> str:
        """What the form sends for it."""
        return self.method.value if self.gateway_id is None else f"{self.method.value}.{self.gateway_id}"

    @property
    def tail(self) -> str:
        """What the names of its fields end in: where a customer chooses among gateways, each has fields of its own."""
        return "" if self.gateway_name is None else f".{self.id}"

    @property
    def is_button(self) -> bool:
        """Whether there is nothing to enter here."""
        return self.side.component is Component.BUTTON


async def options_of(services: Services, opened: OpenOrder, *, choose_gateway: bool) -> tuple[Option, ...]:
    """Return the options, in the order of methods and of the merchant's routing."""
    order, now, payment_id = opened.payable.resource, datetime.now(UTC), new_id(PAYMENT)

    def imagined(method: PaymentMethod) -> PaymentFacts:
        return PaymentFacts(
            payment_id=payment_id,
            method=method,
            currency=order.currency,
            amount_minor=order.amount,
            capture_method=CaptureMethod.AUTOMATIC,
            at=now,
        )

    found = await offered(services, opened.payable.merchant_id, imagined)
    return tuple(option for each in found for option in _options(each, choose_gateway=choose_gateway))


def _options(found: OfferedMethod, *, choose_gateway: bool) -> Iterable[Option]:
    usable = [offer for offer in found.offers if not offer.browser.missing]
    if found.method is PaymentMethod.UPI:
        usable = [offer for offer in usable if offer.upi]
    if choose_gateway and len(usable) > 1:
        return [_option(found.method, offer, pinned=True, named=True) for offer in usable]
    upi = frozenset(flow for offer in usable for flow in offer.upi)
    made = (_option(found.method, offer, pinned=offer.browser.component in OWN_COMPONENT) for offer in _first(usable))
    return [option if option.gateway_id else replace(option, upi=upi) for option in made]


def _first(offers: Sequence[Offer]) -> list[Offer]:
    """Return the first offer with fields, and each that is a button of its own: they do not replace each other."""
    fields = [offer for offer in offers if offer.browser.component is not Component.BUTTON][:1]
    buttons = {offer.gateway.kind: offer for offer in reversed(offers) if offer.browser.component is Component.BUTTON}
    return [offer for offer in offers if offer in fields or offer in buttons.values()]


def _option(method: PaymentMethod, offer: Offer, *, pinned: bool, named: bool = False) -> Option:
    config = offer.gateway
    return Option(
        method,
        offer.browser,
        config.kind.value,
        gateway_id=config.id if pinned else None,
        gateway_name=config.name if named else None,
        upi=frozenset(offer.upi),
    )
