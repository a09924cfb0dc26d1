"""The parts that every piece of the language shares: names, texts and their limits."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

DOCUMENT_BYTES_MAX: Final = 48 * 1024
NAMED_MAX: Final = 40
"""How many of a kind a document may name."""
FIELDS_MAX: Final = 50
TEXT_LENGTH_MAX: Final = 500
CASES_MAX: Final = 60

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""A name that the document chooses."""
FieldName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
"""A field's name, as the gateway spells it."""
Text = Annotated[str, StringConstraints(max_length=TEXT_LENGTH_MAX)]
Template = Annotated[
    str,
    StringConstraints(max_length=TEXT_LENGTH_MAX),
    Field(description="Text. `{{ payment.id }}` and the like are filled in; `{% if %}` is the only statement."),
]
Path = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    Field(description="Where a value is: a JMESPath without functions in JSON, else the field's name."),
]


class Part(BaseModel):
    """Base of all: an unknown field is refused, because it may be misspelt."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, strict=True)
