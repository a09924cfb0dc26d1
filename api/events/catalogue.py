"""`/event_types`: which events there are, what each means, and the JSON Schema and an example of its body.

It is the same for every merchant. `schemas/events` holds the same schemas as files.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.auth.permissions import requires
from api.auth.principal import Principal
from api.http.problems import TO_MERCHANTS, declare
from api.http.routing import Router
from clearway.domain.event_catalogue import MEANINGS, schema_of
from clearway.domain.event_examples import example_of
from clearway.domain.events import EventType
from clearway.domain.permissions import Permission
from clearway.endpoints.composing import data_to_edit

router = Router(prefix="/event_types", tags=["events"])

Reader = Annotated[Principal, requires(Permission.EVENTS_READ)]


class EventTypeSummary(BaseModel):
    """One type of event, and what it means."""

    object: Literal["event_type"] = "event_type"
    type: EventType
    description: str


class EventTypeResource(EventTypeSummary):
    """One type of event, with the shape of its body."""

    body_schema: Annotated[dict[str, Any], Field(description="JSON Schema (2020-12) of the body of its webhook.")]
    example: Annotated[
        dict[str, Any],
        Field(
            description=(
                "A body that meets the schema, as the webhook of a real payment has it, with the customer. Nothing in "
                "it exists."
            )
        ),
    ]
    test_data: Annotated[
        dict[str, Any],
        Field(
            description=(
                "The `data` of a test event of this type, to change and send by `POST /webhook_endpoints/{id}/test`: "
                "that of the example, with nothing about a person. A webhook of a real payment takes these fields from "
                "the payment, which can be forgotten. A test event has no payment, and is kept permanently."
            )
        ),
    ]


class EventTypeList(BaseModel):
    """All event types."""

    data: list[EventTypeSummary]


@router.get("", responses=declare(*TO_MERCHANTS), summary="List event types")
async def list_event_types(_: Reader) -> EventTypeList:
    """List the types of events, with their meaning. An endpoint subscribes to some of them, or to all."""
    return EventTypeList(data=[EventTypeSummary(type=each, description=MEANINGS[each]) for each in EventType])


@router.get("/{event_type}", responses=declare(*TO_MERCHANTS), summary="Read an event type")
async def get_event_type(event_type: EventType, _: Reader) -> EventTypeResource:
    """Read the JSON Schema and an example of one type of event."""
    return EventTypeResource(
        type=event_type,
        description=MEANINGS[event_type],
        body_schema=schema_of(event_type),
        example=example_of(event_type),
        test_data=data_to_edit(event_type),
    )
