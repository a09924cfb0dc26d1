"""The shape of an event: the body of its webhook, field for field."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from clearway.domain.events import EventType
from clearway.domain.resources import Moment


class EventResource(BaseModel):
    """Something that happened, as its webhook tells it."""

    id: str
    type: EventType
    timestamp: Moment
    data: Annotated[dict[str, Any], Field(description="The payment or refund right after it happened.")]
