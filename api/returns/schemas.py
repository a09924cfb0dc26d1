"""What merchants verify returns with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class ReturnSecret(BaseModel):
    """The key of the signature on `return_url`."""

    object: Literal["return_secret"] = "return_secret"
    secret: Annotated[str, Field(description="The key is this text as it stands, prefix included.")]
