"""Gateway events in answers: what came, whether it was verified, and what was done with it. Bodies are not shown."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import Row

from api.http.fields import Body, Id, Time
from clearway.db.gateway_events import EventFilter
from clearway.domain.gateway_event import Disposition, Verdict
from clearway.domain.resources import Moment, Resource
from clearway.gateway_events.replaying import Replayed


class GatewayEventResource(Resource):
    """A request that a gateway sent, or that somebody sent in its name."""

    id: str
    object: Literal["gateway_event"] = "gateway_event"
    gateway_id: str
    gateway: Annotated[str, Field(description="The kind of the gateway.")]
    verdict: Annotated[
        Verdict,
        Field(
            description="`verified`: signed by the gateway. `unreadable`: signed, without a meaning. `unsigned`: not."
        ),
    ]
    disposition: Annotated[Disposition, Field(description="What Clearway did with it.")]
    event_id: Annotated[str | None, Field(description="The gateway's own id of it.")]
    subject_id: Annotated[str | None, Field(description="The payment or refund that it is about.")]
    operation_key: str | None
    reason: Annotated[str | None, Field(description="Why it was refused or ignored.")]
    method: Annotated[str, Field(description="The HTTP method by which it came.")]
    headers: Annotated[dict[str, str], Field(description="As received, without credentials.")]
    received_at: Moment


class RangeReplay(Body):
    """Which events to process again: those received from `since` to before `until`, oldest first."""

    since: Time
    until: Time
    gateway_id: Id | None = None
    disposition: Annotated[Disposition | None, Field(description="Only events with this disposition.")] = None
    cursor: Annotated[Id | None, Field(description="The `next_cursor` of the previous answer.")] = None

    @model_validator(mode="after")
    def _is_a_range(self) -> RangeReplay:
        if self.since >= self.until:
            raise PydanticCustomError("period_empty", "`since` must be before `until`")
        return self

    def wanted(self) -> EventFilter:
        """Return the filter."""
        return EventFilter(
            gateway_id=self.gateway_id,
            disposition=self.disposition.value if self.disposition else None,
            since=self.since,
            until=self.until,
        )


class GatewayEventReplay(Resource):
    """The result of processing an event again."""

    id: str
    object: Literal["gateway_event_replay"] = "gateway_event_replay"
    dispositions: Annotated[list[Disposition], Field(description="Of each event in the request. Empty: it has none.")]
    reason: Annotated[str | None, Field(description="Why it was refused or ignored again.")]


class RangeReplayed(BaseModel):
    """Events that were processed again. Send the request again with `next_cursor` until it is null."""

    data: list[GatewayEventReplay]
    next_cursor: str | None


def gateway_event(row: Row[Any]) -> GatewayEventResource:
    """Render a row."""
    names = [name for name in GatewayEventResource.model_fields if name != "object"]
    return GatewayEventResource(**{name: getattr(row, name) for name in names})


def gateway_event_replay(replayed: Replayed) -> GatewayEventReplay:
    """Render the result of processing one again."""
    return GatewayEventReplay(id=replayed.id, dispositions=list(replayed.dispositions), reason=replayed.reason)
