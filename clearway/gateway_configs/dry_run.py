"""Show what a payment at a stored gateway would send, and what answers and callbacks would become. Nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clearway.db import across_merchants
from clearway.domain.errors import UnprocessableError
from clearway.domain.merchant import Mode
from clearway.gateway_configs.finding import find
from clearway.gateway_configs.shape import fill
from clearway.gateways.connections import GatewayBrokenError
from clearway.gateways.dry_runs import DryRunInvalidError, DryStep
from clearway.services import Services


async def dry_run(
    services: Services, merchant_id: str, mode: Mode, gateway_id: str, asked: Mapping[str, Any]
) -> Sequence[DryStep]:
    """Run the steps. Raises NotFoundError, and UnprocessableError for a gateway or steps that cannot be run."""
    row = await find(services, merchant_id, gateway_id)
    config = across_merchants.gateway_config_of(row, mode)
    try:
        opened = services.gateways.open_credentials(config)
    except GatewayBrokenError:
        raise _invalid("The gateway's credentials cannot be read here. Enter them again.") from None
    filled = fill(services.settings, mode, row.kind, opened, row.settings)
    if filled.kind.dry_run is None:
        raise _invalid(f"A gateway of the kind {row.kind} has no dry run; only custom gateways have.")
    callback_url = config.webhook_url(services.settings.api_public_url)
    try:
        return await filled.kind.dry_run(filled.credentials, filled.settings, callback_url, asked)
    except DryRunInvalidError as error:
        raise _invalid(f"The dry run cannot be read: {error}.") from None


def _invalid(what: str) -> UnprocessableError:
    return UnprocessableError("dry_run_invalid", f"{what} Nothing was sent.")
