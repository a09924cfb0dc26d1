"""Colours that people can read, logos that hold no scripts, origins as browsers write them."""

from __future__ import annotations

import base64

import pytest

from clearway.domain.branding import CONTRAST_MIN, LOGO_BYTES_MAX, contrast, read_logo, read_origin, text_on

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


def data_url(content: bytes, kind: str = "image/png") -> str:
    """Return the content as a `data:` URL."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def test_contrast_is_that_of_wcag() -> None:
    """Values from the examples of WCAG 2.2 and its tools."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert contrast("#777777", "#777777") == pytest.approx(1)


@pytest.mark.parametrize("accent", ["#0b5fff", "#ffe600", "#767676", "#7f7f7f", "#ff0000", "#00a000"])
def test_black_or_white_reads_on_every_colour(accent: str) -> None:
    """So a merchant who gives an accent alone gets text that people can read."""
    assert contrast(text_on(accent), accent) >= CONTRAST_MIN


def test_a_logo_is_the_image_that_it_says() -> None:
    """The bytes decide, not the name."""
    assert read_logo(data_url(PNG)).content == PNG
    assert read_logo(data_url(PNG)).url == data_url(PNG)
    for wrong in (
        data_url(PNG, "image/jpeg"),
        data_url(b"<svg onload='x'/>", "image/png"),
        data_url(b"<svg/>", "image/svg+xml"),
        data_url(PNG + b"\0" * LOGO_BYTES_MAX),
        "data:image/png;base64,a",
        "https://shop.example/logo.png",
        'data:image/png;base64,AAAA" onerror="x',
    ):
        with pytest.raises(ValueError, match="logo"):
            read_logo(wrong)


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://SHOP.example:443", "https://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("http://localhost:4000", "http://localhost:4000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("https://xn--e1afmkfd.example", "https://xn--e1afmkfd.example"),
    ],
)
def test_an_origin_is_stored_as_browsers_write_it(written: str, origin: str) -> None:
    """Browsers compare character by character."""
    assert read_origin(written) == origin


@pytest.mark.parametrize(
    "wrong",
    [
        "http://shop.example",
        "https://shop.example/",
        "https://*.shop.example",
        "https://shop.example; script-src *",
        "https://shop.example https://evil.example",
        "https://a@shop.example",
        "https://shop.example:0",
        "https://shop.example:65536",
        "https://",
        "https://-shop.example",
        "https://магазин.example",
        "null",
        "*",
        "http://localhost.evil.example",
        "https://shop.example\nhttps://evil.example",
    ],
)
def test_what_is_no_exact_origin_is_refused(wrong: str) -> None:
    """It becomes part of a security header: no wildcard, no path, nothing that begins another directive."""
    with pytest.raises(ValueError, match=r"origin|port"):
        read_origin(wrong)
