"""The fields of a multipart/form-data message, parsed by `python-multipart`. Files in it are left out. Pure.

The boundary stands in a header, which a signature over the body does not cover. So the body's first line must be
that boundary: nobody on the way can divide a signed body in another way.
"""

from __future__ import annotations

from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, FormParser, parse_options_header

from clearway.gateways.custom.paths import Flat

TYPE: Final = "multipart/form-data"
BOUNDARY_LENGTH_MAX: Final = 70
"""RFC 2046, section 5.1.1."""


def fields_of(content_type: str, body: bytes, fields_max: int) -> Flat | None:
    """Return the fields; None for a body that is not so, that is cut off, or that has more parts than fields_max."""
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    is_bounded = 0 < len(boundary) <= BOUNDARY_LENGTH_MAX and body.startswith(b"--" + boundary + b"\r\n")
    if kind != TYPE.encode() or not is_bounded or body.count(b"\r\n--" + boundary) > fields_max:
        return None
    parts = _Parts()
    parser = FormParser(TYPE, parts.add, parts.leave_out, on_end=parts.end, boundary=boundary)
    try:
        parser.write(body)
        parser.finalize()
    except (FormParserError, UnicodeDecodeError):
        return None
    return parts.fields if parts.ended else None


class _Parts:
    def __init__(self) -> None:
        self.fields = Flat()
        self.ended = False

    def add(self, field: Field) -> None:
        if field.field_name is not None:
            self.fields[field.field_name.decode()] = (field.value or b"").decode()

    def leave_out(self, file: File) -> None:
        file.close()

    def end(self) -> None:
        self.ended = True
