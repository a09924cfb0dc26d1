"""The webhook endpoint: whether it receives deliveries."""

from __future__ import annotations

from enum import StrEnum


class EndpointStatus(StrEnum):
    """Whether an endpoint receives deliveries."""

    ENABLED = "enabled"
    DISABLED = "disabled"
