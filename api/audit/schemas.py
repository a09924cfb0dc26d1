"""Rows of the audit log as merchants read them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import Query
from pydantic import Field, StringConstraints
from sqlalchemy import Row

from api.http.fields import PlainText, Time
from clearway.accounts.audit_log import address_of
from clearway.crypto.encryption import Cipher
from clearway.db.audit import Wanted
from clearway.domain.resources import Moment, Resource

NAME_LENGTH_MAX: Final = 128

Name = Annotated[PlainText, StringConstraints(min_length=1, max_length=NAME_LENGTH_MAX)]


class AuditEntry(Resource):
    """One act: who did what to which resource, from where."""

    id: str
    object: Literal["audit_entry"] = "audit_entry"
    actor: str = Field(description="`user:<id>`, `key:<id>`, `operator:<login>`, `customer` or `system`.")
    action: str = Field(description="Such as `api_key.create`.")
    subject_type: str
    subject_id: str
    detail: dict[str, Any] = Field(description="Of a change: `before` and `after`, with people's details masked.")
    address: str | None = Field(description="The network address of the request.")
    request_id: str | None
    created_at: Moment


def audit_entry(cipher: Cipher, row: Row[Any]) -> AuditEntry:
    """Render a row of `audit_log`."""
    names = ("id", "actor", "action", "subject_type", "subject_id", "detail", "request_id", "created_at")
    return AuditEntry(**{name: getattr(row, name) for name in names}, address=address_of(cipher, row))


async def wanted_rows(
    *,
    actor: Annotated[Name | None, Query(description="Who acted, such as `key:key_live_…`.")] = None,
    action: Annotated[Name | None, Query(description="What was done, such as `api_key.create`.")] = None,
    subject_type: Annotated[Name | None, Query(description="To what kind of resource.")] = None,
    subject_id: Annotated[Name | None, Query(description="To which resource.")] = None,
    created_from: Annotated[Time | None, Query(description="From this time on, inclusive.")] = None,
    created_to: Annotated[Time | None, Query(description="Up to this time, exclusive.")] = None,
) -> Wanted:
    """Read the filters of the audit log."""
    return Wanted(actor, action, subject_type, subject_id, created_from, created_to)
