"""Pages of lists: the query parameters every list takes and the shape every list answers with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Final, Generic, Literal, TypeVar, get_origin

from fastapi import Query, Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel, Field

from api.http.errors import FIELD_ERRORS_SHOWN_MAX, FIELD_NAME_LENGTH_MAX, NOT_KNOWN, FieldsInvalidError
from api.http.problems import FieldProblem
from clearway.db.pages import PageRequest
from clearway.domain.errors import InvalidRequestError
from clearway.domain.ids import is_id
from clearway.domain.limits import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX

Item = TypeVar("Item")
GIVEN_TWICE: Final = "Send this parameter only once"


async def refuse_unclear_query(request: Request) -> None:
    """Refuse query parameters that the route does not know, and those given twice that are no lists.

    A list must not look filtered by a parameter that was ignored. Raises FieldsInvalidError.
    """
    if not request.query_params:
        return
    known = _query_fields(request.scope["route"].dependant)
    counted = Counter(name for name, _ in request.query_params.multi_items())
    problems = [
        FieldProblem(field=name[:FIELD_NAME_LENGTH_MAX], message=GIVEN_TWICE if name in known else NOT_KNOWN)
        for name, times in counted.items()
        if name not in known or (times > 1 and not known[name])
    ]
    if problems:
        raise FieldsInvalidError(*problems[:FIELD_ERRORS_SHOWN_MAX])


class Page(BaseModel, Generic[Item]):
    """One page of a list, newest first."""

    object: Literal["list"] = "list"
    data: list[Item]
    has_more: bool
    next_cursor: str | None = Field(
        description=(
            "Send it as `cursor` to get the next page. null on the last page. A page of a list with filters may hold "
            "fewer items than `limit`, or none, while there are older ones: only null ends the list."
        )
    )


def page_of(items: Iterable[Item], next_cursor: str | None) -> Page[Item]:
    """Return the page of these items."""
    return Page(data=list(items), has_more=next_cursor is not None, next_cursor=next_cursor)


def cursor_invalid() -> InvalidRequestError:
    """Return the refusal of a cursor that this list does not give."""
    detail = "The cursor is not a `next_cursor` of this list. Start again without a cursor."
    return InvalidRequestError("cursor_invalid", detail)


def page_request(prefix: str) -> Callable[..., Awaitable[PageRequest]]:
    """Return a dependency that reads `limit` and `cursor` for a list of ids with this prefix."""

    async def read(
        limit: Annotated[
            int, Query(ge=1, le=PAGE_SIZE_MAX, description="The number of items on a page.")
        ] = PAGE_SIZE_DEFAULT,
        cursor: Annotated[str | None, Query(description="The `next_cursor` of the previous page.")] = None,
    ) -> PageRequest:
        if cursor is not None and not is_id(prefix, cursor):
            raise cursor_invalid()
        return PageRequest(limit, cursor)

    read.__name__ = f"{prefix}_page"
    return read


def _query_fields(dependant: Dependant) -> dict[str, bool]:
    """Return the query parameters of a route and of everything it depends on, and whether each may be repeated."""
    found = {
        parameter.alias: get_origin(parameter.field_info.annotation) is list for parameter in dependant.query_params
    }
    for dependency in dependant.dependencies:
        found |= _query_fields(dependency)
    return found
