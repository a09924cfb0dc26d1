"""Which gateway a payment goes to. The merchant's mode decides first: no test payment meets a live gateway."""

from __future__ import annotations

from clearway.domain.errors import ConflictError
from clearway.domain.merchant import Mode
from clearway.gateways.registry import SIMULATOR


def choose_gateway(mode: Mode) -> str:
    """Return the name of the gateway. Raises ConflictError for a merchant who has none."""
    if mode is Mode.TEST:
        return SIMULATOR
    detail = (
        "This is a live merchant without a gateway, and the simulator takes test payments only. Nothing was charged. "
        "Connect a gateway first, or use the API key of the account's test merchant."
    )
    raise ConflictError("no_gateway", detail)
