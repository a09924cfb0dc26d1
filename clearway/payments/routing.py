"""Which gateway a payment goes to: the first of the merchant's enabled ones, or the one that the request names.

The choice is pure and made in this one place. No test payment meets a live gateway, because a configuration belongs to
one merchant, and a merchant has one mode.
"""

from __future__ import annotations

from collections.abc import Iterable

from clearway.domain.errors import ConflictError, NotFoundError
from clearway.domain.gateway import GatewayConfig
from clearway.domain.merchant import Mode


def choose_gateway(configs: Iterable[GatewayConfig], mode: Mode, asked_id: str | None = None) -> GatewayConfig:
    """Return the configuration for a new payment. configs: the merchant's, in the order of priority.

    Raises NotFoundError for an id that the merchant does not have, and ConflictError when no gateway can be used.
    """
    if asked_id is not None:
        return _asked(configs, asked_id)
    chosen = next((config for config in configs if config.enabled), None)
    if chosen is None:
        raise _no_gateway(mode)
    return chosen


def _asked(configs: Iterable[GatewayConfig], asked_id: str) -> GatewayConfig:
    found = next((config for config in configs if config.id == asked_id), None)
    if found is None:
        raise NotFoundError("gateway_not_found", f"You have no gateway {asked_id!r}. Nothing was charged.")
    if not found.enabled:
        detail = f"Gateway {asked_id} is disabled. Nothing was charged. Enable it, or leave `gateway_id` out."
        raise ConflictError("gateway_disabled", detail)
    return found


def _no_gateway(mode: Mode) -> ConflictError:
    detail = "You have no gateway that is enabled. Nothing was charged. Connect or enable one first"
    hint = ", or use the API key of the account's test merchant" if mode is Mode.LIVE else ""
    return ConflictError("no_gateway", f"{detail}{hint}.")
