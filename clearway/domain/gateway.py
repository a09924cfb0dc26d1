"""Gateway configurations: which gateways a merchant has connected, in which order they are tried, and what is shown.

Pure rules. A credential is shown by its last characters, and only when enough of it stays hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from clearway.domain.api import API_PREFIX
from clearway.domain.ids import GATEWAY
from clearway.domain.merchant import Mode
from clearway.domain.payment import PaymentMethod

SHOWN_LENGTH: Final = 4
"""How many of the last characters of a credential are shown."""
SHOWN_FROM_LENGTH: Final = 16
"""A shorter credential shows nothing: its last characters would be a good part of it."""
MASK: Final = "****"
DEFAULT_PRIORITY: Final = 100
PRIORITY_MAX: Final = 1_000


class GatewayKind(StrEnum):
    """Which gateway a configuration is for. `clearway.gateways.catalogue` says what each kind needs."""

    SIMULATOR = "simulator"
    STRIPE = "stripe"
    PAYPAL = "paypal"
    SQUARE = "square"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """One gateway of one merchant, as its row says.

    mode: of its merchant. priority: the lowest number goes first. sealed_credentials: encrypted, None when it has none.
    version: counts the changes of the row. alerts: the fields of `clearway.domain.gateway_health.Alerts` that are set.
    limits: those of `clearway.domain.gateway_limits.GatewayLimits`. methods: those that new payments may use; None: all
    that the kind takes.
    """

    id: str
    merchant_id: str
    mode: Mode
    kind: GatewayKind
    name: str
    enabled: bool
    priority: int
    settings: Mapping[str, Any]
    allowed_networks: tuple[str, ...]
    version: int
    sealed_credentials: str | None = field(default=None, repr=False)
    alerts: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    methods: frozenset[PaymentMethod] | None = None

    def webhook_url(self, public_url: str) -> str:
        """Return the address of the gateway's webhooks, which it may sign."""
        return public_url.rstrip("/") + webhook_path(self.id)


def webhook_path(config_id: str) -> str:
    """Return where a gateway sends its webhooks, below the API's address."""
    return f"{API_PREFIX}/gateways/{config_id}/webhook"


def masked(secret: str) -> str:
    """Return what may be shown of a credential: its last four characters, or nothing of a short one."""
    return MASK + (secret[-SHOWN_LENGTH:] if len(secret) >= SHOWN_FROM_LENGTH else "")


def first_gateway_id(merchant_id: str) -> str:
    """Return the id of the simulator that a test merchant is created with."""
    return f"{GATEWAY}_{merchant_id.partition('_')[2]}"


def made_up_gateway_id(merchant_id: str) -> str:
    """Return the id of the deleted gateway that made-up payments have (`clearway.db.payments.generating`)."""
    return f"{GATEWAY}_{merchant_id.partition('_')[2][::-1]}"


def credentials_context(config_id: str) -> str:
    """Return what binds the encrypted credentials to their row."""
    return f"gateways/{config_id}/credentials"
