"""Every kind of business: what each run draws from, what one over three gateways has beside it, and all by name."""

from __future__ import annotations

from typing import Final

from tests.fire.gauntlet import businesses, paypal_businesses, quote_businesses, retry_businesses, trespassers
from tests.fire.gauntlet.businesses import BusinessKind

KINDS: Final[tuple[BusinessKind, ...]] = (
    *businesses.KINDS,
    *trespassers.KINDS,
    *retry_businesses.KINDS,
    *quote_businesses.KINDS,
)
GATEWAY_KINDS: Final = paypal_businesses.KINDS
"""Further kinds for shops with three gateways."""
BY_NAME: Final = {kind.name: kind for kind in (*KINDS, *GATEWAY_KINDS)}
