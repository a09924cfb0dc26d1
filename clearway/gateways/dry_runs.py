"""What a dry run of a gateway shows: the requests of a payment, and what given answers would become."""

from __future__ import annotations

from dataclasses import dataclass, field

from clearway.gateways.contract import GatewayOutcome, Inbound


class DryRunInvalidError(ValueError):
    """The payment or a step is not in the form that a dry run reads; the message is for the merchant."""


@dataclass(frozen=True, slots=True)
class DryRequest:
    """A request as it would be sent, with `[name]` in the place of each credential."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class DryStep:
    """What one step comes to: requests and an outcome, or what was read from a callback.

    refused: why a callback is not believed or cannot be read.
    """

    call: str
    requests: tuple[DryRequest, ...] = ()
    outcome: GatewayOutcome | None = None
    inbound: Inbound | None = field(default=None, repr=False)
    refused: str | None = None
