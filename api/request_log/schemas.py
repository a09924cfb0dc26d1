"""A logged request as the API shows it."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from sqlalchemy import Row

from clearway.db import request_log
from clearway.domain.resources import Moment


class LoggedRequestResource(BaseModel):
    """A request that was answered. Queries and network addresses are not kept."""

    object: Literal["logged_request"] = "logged_request"
    id: str
    method: str
    route: Annotated[str, Field(description="The path, with names in place of ids.")]
    subject_id: Annotated[str | None, Field(description="The id in the path, such as `pay_…`.")]
    status: int
    error_code: Annotated[str | None, Field(description="The `code` of the problem, when the request was refused.")]
    actor: Annotated[str, Field(description="`key:<id of the API key>` or `user:<id>`.")]
    request_id: Annotated[str, Field(description="The `X-Request-Id` of the answer.")]
    idempotency_key: str | None
    started_at: Moment
    duration_ms: int


class LoggedRequestWithBodies(LoggedRequestResource):
    """A request with its bodies. Personal data and secrets in them are masked."""

    request_body: Annotated[Any, Field(description="null: none was sent, it was too long, or the request only read.")]
    response_body: Annotated[Any, Field(description="null: none was sent, it was too long, or the request only read.")]


def logged_request_resource(row: Row[Any]) -> LoggedRequestResource:
    """Return the resource of a row."""
    return LoggedRequestResource.model_validate(row, from_attributes=True)


def with_bodies(row: Row[Any]) -> LoggedRequestWithBodies:
    """Return the resource of a row, with its bodies."""
    bodies = {name: json.loads(text) if (text := getattr(row, name)) else None for name in request_log.BODIES}
    return LoggedRequestWithBodies.model_validate({**row._asdict(), **bodies})
