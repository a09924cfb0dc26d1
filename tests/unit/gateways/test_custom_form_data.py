"""multipart/form-data from a gateway: what is read, and what is not taken for a message."""

from __future__ import annotations

import httpx
import pytest

from clearway.gateways.custom.reading import BODY_BYTES_MAX, form_data

TYPE = "multipart/form-data; boundary=b1"


def body(*parts: tuple[str, str], boundary: str = "b1", end: str = "--\r\n") -> bytes:
    """Return a body of these fields."""
    text = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts
    )
    return f"{text}--{boundary}{end}".encode()


def test_fields_are_read_and_files_left_out() -> None:
    """Names and values are UTF-8; a part with a file name is no field."""
    parts = {"sum": (None, "10.50"), "եզր": (None, "արժեք\r\nline"), "file": ("sum", b"1.00")}
    request = httpx.Request("POST", "https://shop.example", files=parts)
    assert form_data(request.headers["content-type"], request.read()) == {"sum": "10.50", "եզր": "արժեք\r\nline"}


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("application/json", body(("a", "1"))),
        ("multipart/form-data", body(("a", "1"))),
        ("multipart/form-data; boundary=other", body(("a", "1"))),
        ("multipart/mixed; boundary=b1", body(("a", "1"))),
        (TYPE, b""),
        (TYPE, b"a=1&b=2"),
        (TYPE, body(("a", "1"), end="")),
        (TYPE, b"\r\n" + body(("a", "1"))),
        (TYPE, body(("a", "1"))[:-20]),
        (TYPE, b"--b1\r\nnonsense\r\n\r\n1\r\n--b1--\r\n"),
        (TYPE, body(("a", "1")).replace(b"1\r\n", b"\xff\xfe\r\n")),
        (TYPE, body(*((f"f{number}", "1") for number in range(201)))),
        (TYPE, body(("a", "x" * BODY_BYTES_MAX))),
    ],
)
def test_what_is_not_whole_is_no_message(content_type: str, content: bytes) -> None:
    """Another type, a boundary that is not the first line, a body cut off, bytes that are no text, too many or much."""
    assert form_data(content_type, content) is None


def test_a_signed_body_has_one_boundary() -> None:
    """The header names the boundary and is not signed: another boundary inside the body divides it for nobody."""
    inner = body(("sum", "1.00"), boundary="b2").decode()
    whole = body(("note", f"\r\n{inner}"))
    assert form_data("multipart/form-data; boundary=b2", whole) is None
    assert form_data("multipart/form-data; boundary=b", whole) is None
    fields = form_data(TYPE, whole)
    assert fields is not None
    assert set(fields) == {"note"}
