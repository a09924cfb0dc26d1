"""The shape of an event: the body of its webhook, field for field."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from api.http.fields import Body, PlainText
from clearway.domain.events import EventType
from clearway.domain.resources import Moment


class EventResource(BaseModel):
    """A change of a payment or refund, with the same body as its webhook."""

    id: str
    type: EventType
    timestamp: Moment
    data: Annotated[dict[str, Any], Field(description="The payment or refund right after the change.")]


class ResendCreate(Body):
    """Where to send an event again."""

    endpoint_id: Annotated[PlainText, Field(max_length=64, examples=["whe_01m7yv3r1h6c9q0t5w8x2z4b7d"])]
