"""What merchants verify returns with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class ReturnSecret(BaseModel):
    """The secret that signs the parameters of `return_url`."""

    object: Literal["return_secret"] = "return_secret"
    secret: Annotated[str, Field(description="The HMAC key is this whole text, prefix included.")]
    next_secret: Annotated[
        str | None,
        Field(description="The secret that will sign next. Accept signatures of both. null: no change is planned."),
    ]
