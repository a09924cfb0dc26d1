"""Webhooks of gateways: the raw request, its events, how far they are trusted, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from clearway.domain.limits import GATEWAY_IDENTIFIER_LENGTH_MAX, GATEWAY_REFERENCES_MAX
from clearway.domain.text import is_storable
from clearway.gateways.contract.operations import OperationKind
from clearway.gateways.contract.outcomes import UNKNOWN, AnswerUnreadableError, GatewayOutcome

if TYPE_CHECKING:
    from clearway.gateways.contract.gateway import Gateway

EVENTS_MAX: Final = 1_000
"""In one request."""


class Trust(StrEnum):
    """How far an event is trusted."""

    PROVEN = "proven"
    """A signature covers all that it says: its outcome is believed, and its amount compared."""
    HINT = "hint"
    """Anybody could have written it, or changed it on its way: it only makes the workflow ask the gateway."""


@dataclass(frozen=True, slots=True)
class InboundRequest:
    """A request as received. url: the public URL it was sent to, with the query. headers: by lower-case names.

    query: the parameters of the URL, the last of each name.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: datetime
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class InboundEvent:
    """One gateway event, in Clearway's terms.

    event_id: the gateway's id of the event, the same when it is sent again. key: the idempotency key of its operation;
    None where the gateway does not send it back. Then `references` name the payment, and `operation` says which kind of
    operation the event is about. outcome: for a hint only a claim, which is not believed.
    """

    event_id: str
    key: str | None = None
    occurred_at: str | None = None
    outcome: GatewayOutcome = UNKNOWN
    trust: Trust = Trust.HINT
    operation: OperationKind = OperationKind.AUTHORISE
    references: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        texts = {"event_id": self.event_id, "key": self.key, "occurred_at": self.occurred_at}
        for name, value in texts.items():
            absent = value is None and name != "event_id"
            if not absent and not is_storable(value, GATEWAY_IDENTIFIER_LENGTH_MAX):
                raise AnswerUnreadableError(f"{name} is not a usable text")
        usable = all(is_storable(value, GATEWAY_IDENTIFIER_LENGTH_MAX) for value in self.references.values())
        if not usable or len(self.references) > GATEWAY_REFERENCES_MAX:
            raise AnswerUnreadableError("a reference is not a usable identifier")
        if self.key is None and not self.references:
            raise AnswerUnreadableError("the event names neither our key nor a reference")


@dataclass(frozen=True, slots=True)
class InboundAnswer:
    """The response body that the gateway expects, such as the text `OK`."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Precheck:
    """The gateway asks whether a payment may be made now, before it takes the money.

    payment: the reference `payment` of an attempt. amount_minor, currency: what it is about to take; None: it does not
    say, or not readably. refusal: the answer for a payment that is not open here, or is of another amount. The
    question is not believed and changes nothing.
    """

    payment: str
    amount_minor: int | None
    currency: str | None
    refusal: InboundAnswer


@dataclass(frozen=True, slots=True)
class Inbound:
    """The content of a request. answer None: Clearway's own, a 200 with the dispositions of the events.

    precheck: the gateway asks; `answer` is sent only if the payment may be made.
    """

    events: tuple[InboundEvent, ...] = ()
    answer: InboundAnswer | None = None
    precheck: Precheck | None = None


class SignatureInvalidError(Exception):
    """A request with a missing, wrong or stale signature: refuse it, change nothing."""


class EventUnreadableError(Exception):
    """A genuine request that cannot be read (unknown event, malformed body)."""


async def read_inbound(gateway: Gateway, request: InboundRequest) -> Inbound:
    """Verify and read a request by its gateway's connector. Raises SignatureInvalidError or EventUnreadableError alone.

    The body is foreign, so any unforeseen failure of a connector counts as an unreadable event: an error would make the
    gateway send it again and again.
    """
    try:
        inbound = await gateway.read_inbound(request)
    except (SignatureInvalidError, EventUnreadableError):
        raise
    except Exception as error:
        raise EventUnreadableError(f"{type(error).__name__} while reading it") from error
    if len(inbound.events) > EVENTS_MAX:
        raise EventUnreadableError(f"it has more than {EVENTS_MAX} events")
    return inbound
