"""Which methods and gateways a page may offer for an amount: by the same rules that will route the payment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clearway.domain.gateway import GatewayConfig
from clearway.domain.payment import PaymentMethod, UpiFlow
from clearway.domain.routing import Decision
from clearway.domain.routing_conditions import PaymentFacts
from clearway.gateways.browser import BrowserSide
from clearway.gateways.catalogue import CATALOGUE
from clearway.gateways.declared import capabilities_of
from clearway.payments.routing import foresee
from clearway.services import Services


@dataclass(frozen=True, slots=True)
class Offer:
    """One gateway that can take the payment, and what a page needs for it. upi: how it takes UPI."""

    gateway: GatewayConfig
    browser: BrowserSide
    upi: tuple[UpiFlow, ...] = ()


@dataclass(frozen=True, slots=True)
class OfferedMethod:
    """One method: its gateways in the order of routing, and the decision that says who is left out."""

    method: PaymentMethod
    offers: tuple[Offer, ...]
    decision: Decision


async def offered(
    services: Services, merchant_id: str, imagined: Callable[[PaymentMethod], PaymentFacts]
) -> tuple[OfferedMethod, ...]:
    """Return what routing would do with a payment by each method. imagined: the facts of such a payment."""
    configs = await services.gateways.of_merchant(merchant_id)
    by_id = {config.id: config for config in configs}
    found = []
    for method in PaymentMethod:
        facts = imagined(method)
        decision = await foresee(services, merchant_id, configs, facts)
        offers = tuple(_offer(by_id[gateway_id], facts) for gateway_id in decision.gateways)
        found.append(OfferedMethod(method, offers, decision))
    return tuple(found)


def _offer(config: GatewayConfig, facts: PaymentFacts) -> Offer:
    kind = CATALOGUE[config.kind]  # routing leaves out what is not in it
    upi = capabilities_of(config).upi_in(facts.currency) if facts.method is PaymentMethod.UPI else ()
    return Offer(config, kind.browser(kind.settings.model_validate(config.settings), facts.method), upi)
