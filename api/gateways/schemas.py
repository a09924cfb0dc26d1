"""What a gateway is answered."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from clearway.domain.gateway_event import Disposition


class GatewayEventTaken(BaseModel):
    """The event is stored."""

    status: Annotated[
        Disposition,
        Field(description="What was done with the event. `ignored`: it is valid, and Clearway does not use its kind."),
    ]
