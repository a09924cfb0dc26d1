"""Views of lists in requests and answers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from sqlalchemy import Row

from api.http.fields import Body, PlainText, absent, trimmed_name
from clearway.domain.resources import Moment, Resource
from clearway.domain.saved_views import (
    COLUMNS_MAX,
    FILTERS_MAX,
    NAME_FORM,
    NAME_LENGTH_MAX,
    VALUE_LENGTH_MAX,
    VALUES_MAX,
    ListPage,
)

Name = Annotated[PlainText, StringConstraints(min_length=1, max_length=NAME_LENGTH_MAX), AfterValidator(trimmed_name)]
Key = Annotated[PlainText, StringConstraints(pattern=NAME_FORM), Field(json_schema_extra={"pattern": NAME_FORM})]
Value = Annotated[PlainText, StringConstraints(min_length=1, max_length=VALUE_LENGTH_MAX)]
Query = Annotated[
    dict[Key, Annotated[list[Value], Field(min_length=1, max_length=VALUES_MAX)]],
    Field(
        max_length=FILTERS_MAX,
        description="The filters, by the names of the list's query parameters.",
        examples=[{"status": ["failed", "expired"], "currency": ["INR"]}],
        json_schema_extra={"additionalProperties": False},
    ),
]
Columns = Annotated[
    list[Key],
    Field(max_length=COLUMNS_MAX, description="The columns that are shown, by name.", examples=[["amount", "status"]]),
]


class SavedViewCreate(Body):
    """A view to keep."""

    page: ListPage
    name: Name
    query: Query
    columns: Columns | None = Field(None, description="null: the usual ones.")


class SavedViewPatch(Body):
    """What to change of a view. Fields that you leave out keep their values."""

    name: Name = Field(default_factory=absent)
    query: Query = Field(default_factory=absent)
    columns: Columns | None = None

    def values(self) -> dict[str, Any]:
        """Return the columns to change."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class SavedViewResource(Resource):
    """A view of a list: what it is filtered by, and which columns it shows."""

    id: str
    page: ListPage
    name: str
    query: dict[str, list[str]]
    columns: list[str] | None
    created_at: Moment
    updated_at: Moment


class SavedViews(BaseModel):
    """Your views, by name."""

    data: list[SavedViewResource]


def view_resource(row: Row[Any]) -> SavedViewResource:
    """Return the resource of a row."""
    return SavedViewResource(**{name: getattr(row, name) for name in SavedViewResource.model_fields})
