"""The one place that reads JSON bodies: one limit of depth, no field twice, no text that cannot be stored.

JSON as RFC 7493 (I-JSON) has it, so that what one part reads, every other part can write: UTF-8, unique names, no half
of a surrogate pair. Everything that reads a body uses what is parsed here, the fingerprint of a request too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from starlette.requests import Request

from api.http.errors import FieldsInvalidError, UnsupportedBodyError
from api.http.problems import FieldProblem
from clearway.domain.errors import InvalidRequestError

DEPTH_MAX: Final = 32
"""Far below what any parser or writer of JSON stops at, and far above the deepest field there is."""
FIELDS_NAMED_MAX: Final = 20
NAME_SHOWN_MAX: Final = 100
SCOPE_KEY: Final = "clearway.json"

_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\Z)', re.DOTALL)
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
UNSTORABLE_MESSAGE: Final = "Remove the NUL character or the half of a surrogate pair; such text cannot be stored"


async def read_json(request: Request) -> Any:
    """Return the parsed body, or None when there is none, and keep it in the request's scope.

    Raises:
        UnsupportedBodyError: The body is compressed, or not sent as JSON.
        InvalidRequestError: It is not JSON, is nested too deep, or has a field twice.
        FieldsInvalidError: It holds text that cannot be stored.
    """
    _refuse_coding(request.headers.get("content-encoding", ""))
    body = await request.body()
    value = None
    if body:
        _refuse_media_type(request.headers.get("content-type", ""))
        value = parse(body)
    request.scope[SCOPE_KEY] = value
    return value


def parse(body: bytes) -> Any:
    """Return the value of a JSON text. Raises as `read_json` does."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _malformed("The body is not UTF-8, which JSON must be.") from None
    _refuse_depth(text)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _malformed(
            f"The body is not valid JSON: {error.msg}, line {error.lineno}, column {error.colno}."
        ) from None
    except ValueError:
        raise _malformed("The body holds a number with too many digits.") from None
    if "\\u" in text:  # the only way in which JSON can spell what UTF-8 cannot
        _refuse_unstorable(value)
    return value


def meaning(value: Any) -> Any:
    """Return the canonical form of a body, equal for bodies that ask for the same.

    A field that is null asks for the same as one that is left out, and no body for the same as an empty object.
    """
    return {} if value is None else _without_nulls(value)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _refuse_coding(coding: str) -> None:
    if coding.strip().lower() not in {"", "identity"}:
        detail = "The body is compressed (Content-Encoding). Nothing was done. Send it uncompressed."
        raise UnsupportedBodyError(detail, {"Accept-Encoding": "identity"})


def _refuse_media_type(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )
    if not is_json:
        detail = "Send the body as JSON, with the header Content-Type: application/json. Nothing was done."
        raise UnsupportedBodyError(detail, {"Accept": "application/json"})


def _refuse_depth(text: str) -> None:
    """Count the brackets before anything recursive sees them."""
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return
    depth = 0
    for bracket in re.findall(r"[\[\]{}]", _TEXT.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > DEPTH_MAX:
            raise _malformed(f"The body is nested deeper than {DEPTH_MAX} levels.")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _malformed(f"The body has the field {_shown(twice)} more than once.")
    return fields


def _no_constant(name: str) -> Any:
    raise _malformed(f"The body is not valid JSON: {name} is not a JSON number.")


def _refuse_unstorable(value: Any) -> None:
    places = list(_unstorable(value, ()))
    if places:
        problems = (FieldProblem(field=place, message=UNSTORABLE_MESSAGE) for place in places[:FIELDS_NAMED_MAX])
        raise FieldsInvalidError(*problems)


def _unstorable(value: Any, place: tuple[str, ...]) -> Iterator[str]:
    """Yield the places of text that cannot be stored, names of fields included."""
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            yield ".".join(place)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if _UNSTORABLE.search(name):
                yield ".".join((*place, _shown(name)))
            else:
                yield from _unstorable(inner, (*place, name[:NAME_SHOWN_MAX]))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unstorable(item, (*place, str(index)))


def _shown(name: str) -> str:
    return ascii(name[:NAME_SHOWN_MAX])


def _malformed(what: str) -> InvalidRequestError:
    return InvalidRequestError("malformed_json", f"{what} Nothing was done; correct the body and send it again.")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_each_once, parse_constant=_no_constant)
