"""The data of a test event that a person writes: what does not fit the published schema of its type, and where.

It is stricter than the schema in two ways. An unknown field is refused, because it may be misspelt. The places for a
person stay empty, because events are kept for good (ADR 0010) and a test event has no payment that could fill them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.validators import extend

from clearway.domain.event_catalogue import schema_of
from clearway.domain.event_examples import AT, example_data
from clearway.domain.events import NOTES, PERSONAL, EventType, emptied
from clearway.domain.field_checks import MOMENT_FORM

FAULTS_MAX: Final = 20
NAME_LENGTH_MAX: Final = 64
UNKNOWN: Final = "This event has no such field. Check the spelling, or leave it out"
PERSONAL_REFUSED: Final = "Leave this empty: events are kept for good, so a test event holds nothing about a person"
FORMS: Final = FormatChecker(formats=())
INTEGER: Final = Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
)
"""JSON Schema takes 5.0 for an integer. It would be sent as 5.0, which events never hold."""
Checker: Final = extend(Draft202012Validator, type_checker=INTEGER)  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Misfit:
    """What is wrong at one place of the data. place: a path with dots, empty for the whole."""

    place: str
    reason: str


def data_to_edit(event_type: EventType, at: datetime = AT) -> dict[str, Any]:
    """Return the data that a test event has when nobody writes any: the example, with nothing about a person."""
    return emptied(example_data(event_type, at).data())


def misfits(event_type: EventType, data: Mapping[str, Any]) -> list[Misfit]:
    """Return what keeps this data from being sent as an event of this type, at most FAULTS_MAX of it."""
    found = [*_all_of(_checker(event_type).iter_errors(data)), *_personal(data)]
    return sorted(dict.fromkeys(found), key=lambda each: each.place)[:FAULTS_MAX]


@FORMS.checks("date-time")
def _is_moment(value: object) -> bool:
    """Say whether a text is an RFC 3339 time with its offset. Other values are a matter of `type`."""
    if not isinstance(value, str):
        return True
    try:
        return bool(MOMENT_FORM.match(value)) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


@cache
def _checker(event_type: EventType) -> Any:
    whole = schema_of(event_type)
    return Checker(_closed({**whole["properties"]["data"], "$defs": whole.get("$defs", {})}), format_checker=FORMS)


def _closed(schema: Any) -> Any:
    """Return the schema without room for fields that it does not name."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    return {"additionalProperties": False, **closed} if isinstance(schema.get("required"), list) else closed


def _all_of(errors: Iterable[Any]) -> Iterator[Misfit]:
    for error in errors:
        yield from _of(error)


def _of(error: Any) -> Iterator[Misfit]:
    place = [str(part) for part in error.absolute_path]
    match error.validator:
        case "anyOf":
            yield from _of_choice(error, place)
        case "required":
            missing = (name for name in error.validator_value if name not in error.instance)
            yield from (_misfit([*place, name], "This field is required") for name in missing)
        case "additionalProperties":
            known = error.schema.get("properties", {})
            yield from (_misfit([*place, name], UNKNOWN) for name in error.instance if name not in known)
        case "type":
            yield _misfit(place, f"This must be {_types([error.validator_value])}")
        case "enum" | "const":
            allowed = error.validator_value if error.validator == "enum" else [error.validator_value]
            yield _misfit(place, f"This must be {_either([str(each) for each in allowed])}")
        case "format":
            yield _misfit(place, "Write a date and time with its offset (RFC 3339), such as 2026-11-21T10:41:38Z")
        case rule:
            yield _misfit(place, f"This does not meet the rule {rule} of the schema")


def _of_choice(error: Any, place: Sequence[str]) -> Iterator[Misfit]:
    """Tell what is wrong with the choice that was meant, or which types there are when none was."""
    context = list(error.context or ())
    others = {each.schema_path[0] for each in context if each.validator == "type" and not each.path}
    meant = [each for each in context if each.schema_path[0] not in others]
    if meant:
        yield from _all_of(meant)
    else:
        yield _misfit(place, f"This must be {_types(each.validator_value for each in context)}")


def _personal(data: Mapping[str, Any]) -> Iterator[Misfit]:
    empty = emptied(data)
    for name in (name for name in PERSONAL if name in data and data[name] is not None):
        value, place = data[name], empty[name]
        if name == NOTES or not isinstance(value, dict):
            yield from [_misfit([name], PERSONAL_REFUSED)] if value != place else []
        else:
            yield from (_misfit([name, str(key)], PERSONAL_REFUSED) for key in value if value[key] is not None)


def _misfit(place: Sequence[str], reason: str) -> Misfit:
    return Misfit(".".join(part[:NAME_LENGTH_MAX] for part in place), reason)


def _types(names: Iterable[str]) -> str:
    return _either([{"array": "a list", "null": "null"}.get(name, f"a JSON {name}") for name in names])


def _either(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last
