"""Which gateways a payment goes to: by the merchant's rules, or the one that the request names.

The choice is pure (`clearway.domain.routing`) and made once for a request, before a card is exchanged for a token: a
token belongs to one gateway. No test payment meets a live gateway, because a gateway belongs to one merchant, and a
merchant has one mode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from clearway.db.across_merchants import PayableOrder
from clearway.domain.errors import ConflictError, NotFoundError, UnprocessableError
from clearway.domain.gateway import GatewayConfig
from clearway.domain.merchant import Mode
from clearway.domain.payment import CaptureMethod
from clearway.domain.routing import PROBES, Decision, Why, decide, decide_for
from clearway.domain.routing_conditions import PaymentFacts, brand_of
from clearway.payments.instruments import Instrument
from clearway.routing.candidates import candidates_of
from clearway.services import Services

BIN_LENGTH: Final = 8
REASONS_SHOWN_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Route:
    """Where a payment goes. config: the first gateway of the decision. others: the rest of them, in order."""

    decision: Decision
    config: GatewayConfig
    others: tuple[GatewayConfig, ...] = ()

    def to_json(self, facts: PaymentFacts, failovers_max: int) -> dict[str, Any]:
        """Return the form that is stored with the payment: the decision, and where the payment may be tried next.

        A card is not moved: its token belongs to one gateway.
        """
        others = self.others[:failovers_max] if facts.is_movable else ()
        alternatives = [{"gateway": each.kind.value, "gateway_id": each.id} for each in others]
        return self.decision.to_json() | {"alternatives": alternatives}


def facts_of(
    payment_id: str,
    order: PayableOrder,
    instrument: Instrument,
    *,
    capture_method: CaptureMethod,
    customer: Mapping[str, str] | None,
    notes: Mapping[str, str] | None,
    country: str | None,
) -> PaymentFacts:
    """Return what rules may ask of a payment that is to be made."""
    number = "" if instrument.card is None else "".join(filter(str.isdigit, instrument.card.number))
    return PaymentFacts(
        payment_id=payment_id,
        method=instrument.method,
        currency=order.resource.currency,
        amount_minor=order.resource.amount,
        capture_method=capture_method,
        at=datetime.now(UTC),
        country=country,
        card_brand=brand_of(number),
        card_bin=number[:BIN_LENGTH] or None,
        customer_id=(customer or {}).get("id"),
        notes=notes or {},
        raw_card=instrument.card is not None,
        token=instrument.token,
        upi=instrument.upi,
    )


async def route(services: Services, order: PayableOrder, facts: PaymentFacts, asked_id: str | None) -> Route:
    """Choose by what is known of the merchant's gateways; what is not found there is looked for in the database.

    Raises NotFoundError, ConflictError or UnprocessableError when no gateway can take the payment.
    """
    try:
        return await _route(services, order, facts, asked_id, fresh=False)
    except (NotFoundError, ConflictError, UnprocessableError):
        services.programs.forget(order.merchant_id)
        return await _route(services, order, facts, asked_id, fresh=True)


async def _route(
    services: Services, order: PayableOrder, facts: PaymentFacts, asked_id: str | None, *, fresh: bool
) -> Route:
    configs = await services.gateways.of_merchant(order.merchant_id, fresh=fresh)
    decision = await _decide(services, order.merchant_id, configs, facts, asked_id)
    if not decision.gateways:
        raise _not_routed(decision, asked_id, order.mode)
    by_id = {config.id: config for config in configs}
    first, *others = (by_id[gateway_id] for gateway_id in decision.gateways)
    return Route(decision, first, tuple(others))


async def _decide(
    services: Services,
    merchant_id: str,
    configs: Sequence[GatewayConfig],
    facts: PaymentFacts,
    asked_id: str | None,
) -> Decision:
    candidates = candidates_of(configs, lambda gateway_id: services.breakers.says(gateway_id, facts.at))
    if asked_id is not None:
        return decide_for(asked_id, facts, candidates)
    active = await services.programs.of_merchant(merchant_id)
    rates = await services.success_rates.of_merchant(merchant_id, active.program.success_rate)
    decision = decide(active.program, active.version, facts, candidates, rates)
    first = next((each for each in candidates if each.id in decision.gateways[:1]), None)
    if first is None or first.breaker not in PROBES or decision.despite_breaker:
        return decision
    if await services.breakers.take_probe(merchant_id, first.id):
        return decision
    # Another payment tries the gateway at the moment; the board knows that now.
    candidates = candidates_of(configs, lambda gateway_id: services.breakers.says(gateway_id, facts.at))
    return decide(active.program, active.version, facts, candidates, rates)


async def foresee(
    services: Services, merchant_id: str, configs: Sequence[GatewayConfig], facts: PaymentFacts
) -> Decision:
    """Return the decision for a payment that is not made: nothing is taken, not even the probe of a breaker."""
    active = await services.programs.of_merchant(merchant_id)
    rates = await services.success_rates.of_merchant(merchant_id, active.program.success_rate)
    candidates = candidates_of(configs, lambda gateway_id: services.breakers.says(gateway_id, facts.at))
    return decide(active.program, active.version, facts, candidates, rates)


def _not_routed(decision: Decision, asked_id: str | None, mode: Mode) -> Exception:
    reasons = {each.gateway_id: each for each in decision.left_out}
    if asked_id is not None:
        left_out = reasons[asked_id]
        if left_out.why is Why.UNKNOWN:
            return NotFoundError("gateway_not_found", f"You have no gateway {asked_id!r}. Nothing was charged.")
        if left_out.why is Why.DISABLED:
            detail = f"Gateway {asked_id} is disabled. Nothing was charged. Enable it, or leave `gateway_id` out."
            return ConflictError("gateway_disabled", detail)
        detail = f"Gateway {asked_id} cannot take this payment: {left_out.reason}. Nothing was charged."
        return UnprocessableError("gateway_cannot", f"{detail} Leave `gateway_id` out, or change the payment.")
    if not reasons:
        hint = ", or use the API key of the account's test merchant" if mode is Mode.LIVE else ""
        detail = f"You have no gateway that is enabled. Nothing was charged. Connect or enable one first{hint}."
        return ConflictError("no_gateway", detail)
    named = [f"{each.gateway_id}: {each.reason}" for each in decision.left_out[:REASONS_SHOWN_MAX]]
    by_rule = f" Rule {decision.rule!r} decided." if decision.rule else ""
    detail = f"No gateway can take this payment ({'; '.join(named)}). Nothing was charged.{by_rule}"
    return ConflictError("no_gateway", f"{detail} Change your gateways or routing rules, or the payment.")
