"""What outbound requests may do: one immutable value made from the settings, read by every part of this package."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from typing import Self

from clearway.domain import limits
from clearway.egress.addresses import Network
from clearway.settings import Settings, SettingsError


@dataclass(frozen=True)
class EgressPolicy:
    """The bounds of one outbound request.

    Attributes:
        timeout_s: Seconds for the whole exchange: look-up, connection, TLS, request and the answer to its last byte.
        allowed_networks: Networks that may be reached although they are not public.
        response_bytes_max: How much of the answer's body is read and kept.
        allow_http: Whether plain http is accepted.
    """

    timeout_s: float = 15.0
    allowed_networks: tuple[Network, ...] = ()
    response_bytes_max: int = limits.WEBHOOK_RESPONSE_BYTES_KEPT_MAX
    allow_http: bool = False

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Read the policy from the environment; only production insists on https."""
        try:
            networks = tuple(ip_network(text) for text in settings.webhook_allowed_networks)
        except ValueError as error:
            raise SettingsError(
                f"WEBHOOK_ALLOWED_NETWORKS: {error}. Write networks as 127.0.0.0/8, comma separated."
            ) from error
        return cls(
            timeout_s=settings.webhook_timeout_s,
            allowed_networks=networks,
            allow_http=not settings.is_production,
        )
