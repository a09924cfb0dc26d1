"""Which kinds of gateways there are: for each the forms of its credentials and settings, and its connector.

To add a kind: its name in `clearway.domain.gateway.GatewayKind` (and in the table's constraint), its forms and its
`Kind` in a package of its own, and one line in `CATALOGUE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clearway.domain.gateway import GatewayKind
from clearway.gateways.custom.kind import CUSTOM
from clearway.gateways.kinds import Kind
from clearway.gateways.paypal.kind import PAYPAL
from clearway.gateways.simulator.kind import SIMULATOR
from clearway.gateways.square.kind import SQUARE
from clearway.gateways.stripe.kind import STRIPE

CATALOGUE: Final[Mapping[GatewayKind, Kind]] = {kind.name: kind for kind in (SIMULATOR, STRIPE, PAYPAL, SQUARE, CUSTOM)}
