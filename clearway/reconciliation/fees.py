"""The fee that a gateway configuration expects, from its settings."""

from __future__ import annotations

from decimal import Decimal

from clearway.domain.gateway import GatewayConfig
from clearway.domain.reconciliation import ExpectedFee


def expected_fee(config: GatewayConfig) -> ExpectedFee | None:
    """Return the expected fee; None: fees are booked and not judged."""
    given = config.settings.get("expected_fee")
    if not given:
        return None
    return ExpectedFee(Decimal(str(given["percent"])), int(given.get("fixed", 0)), int(given.get("tolerance", 1)))
