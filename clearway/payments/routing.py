"""Which gateway a payment goes to: the first of the merchant's enabled ones that can take it, or the one they name.

The choice is pure and made in this one place. No test payment meets a live gateway, because a configuration belongs to
one merchant, and a merchant has one mode.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from clearway.domain.errors import ConflictError, NotFoundError
from clearway.domain.gateway import GatewayConfig
from clearway.domain.merchant import Mode
from clearway.domain.money import Money
from clearway.domain.payment import CaptureMethod, PaymentMethod
from clearway.gateways.connections import capabilities_of


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a gateway is chosen for. asked_id: the gateway that the merchant names, if any."""

    mode: Mode
    method: PaymentMethod
    money: Money
    capture_method: CaptureMethod
    asked_id: str | None = None


def choose_gateway(configs: Iterable[GatewayConfig], wanted: Wanted) -> GatewayConfig:
    """Return the configuration for a new payment. configs: the merchant's, in the order of priority.

    Raises NotFoundError for an id that the merchant does not have, and ConflictError when no gateway can be used.
    """
    candidates = configs if wanted.asked_id is None else [_asked(configs, wanted.asked_id)]
    reasons = []
    for config in candidates:
        if not config.enabled:
            continue
        reason = capabilities_of(config).refusal(wanted.method, wanted.money, wanted.capture_method)
        if reason is None:
            return config
        reasons.append(f"{config.name} ({config.id}): {reason}")
    raise _no_gateway(wanted.mode, reasons)


def _asked(configs: Iterable[GatewayConfig], asked_id: str) -> GatewayConfig:
    found = next((config for config in configs if config.id == asked_id), None)
    if found is None:
        raise NotFoundError("gateway_not_found", f"You have no gateway {asked_id!r}. Nothing was charged.")
    if not found.enabled:
        detail = f"Gateway {asked_id} is disabled. Nothing was charged. Enable it, or leave `gateway_id` out."
        raise ConflictError("gateway_disabled", detail)
    return found


def _no_gateway(mode: Mode, reasons: list[str]) -> ConflictError:
    if reasons:
        detail = f"No gateway of yours can take this payment. Nothing was charged. {'; '.join(reasons)}."
        return ConflictError("no_gateway", detail)
    hint = ", or use the API key of the account's test merchant" if mode is Mode.LIVE else ""
    detail = f"You have no gateway that is enabled. Nothing was charged. Connect or enable one first{hint}."
    return ConflictError("no_gateway", detail)
