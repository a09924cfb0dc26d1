"""The choice of notices, as the API shows and takes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from api.http.fields import Body
from clearway.domain.notices import MEANING, NoticeKind


class NoticeOffer(BaseModel):
    """A kind of notice that can be chosen."""

    kind: NoticeKind
    description: str


class NoticesResource(BaseModel):
    """Which notices about the merchant you get."""

    object: Literal["notices"] = "notices"
    kinds: list[NoticeKind]
    chosen: Annotated[bool, Field(description="false: you have not chosen, and get the usual ones.")]
    available: list[NoticeOffer]


class NoticesUpdate(Body):
    """Your choice. It replaces the one before."""

    kinds: Annotated[list[NoticeKind], Field(max_length=len(NoticeKind), description="Empty: none.")]


def notices_resource(kinds: list[NoticeKind], *, chosen: bool) -> NoticesResource:
    """Return the resource."""
    available = [NoticeOffer(kind=kind, description=text) for kind, text in MEANING.items()]
    return NoticesResource(kinds=kinds, chosen=chosen, available=available)
