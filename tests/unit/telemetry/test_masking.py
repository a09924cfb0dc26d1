"""Masking: nothing sensitive is left in any value, and nothing that engineers search for is damaged."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.domain.ids import new_id
from clearway.telemetry.masking import DEPTH_MAX, is_card_number, mask, mask_partly, mask_text

CARDS = [
    "4111111111111111",  # Visa, 16
    "4222222222222",  # Visa, 13
    "5555555555554444",  # Mastercard
    "2223003122003222",  # Mastercard, second series
    "378282246310005",  # American Express, 15
    "30569309025904",  # Diners Club, 14
    "6011111111111117",  # Discover
    "6521111111111117",  # RuPay
    "8171999927660000",  # RuPay, 81
    "6759649826438453",  # Maestro
    "6304000000000000000",  # Maestro, 19
    "6205500000000000004",  # UnionPay, 19
]
CARDS = [next(number[:-1] + check for check in "0123456789" if is_card_number(number[:-1] + check)) for number in CARDS]


def test_luhn():
    """Published test numbers pass, and fail with any one digit changed."""
    for number in ("4111111111111111", "4222222222222", "5555555555554444", "378282246310005", "30569309025904"):
        assert is_card_number(number)
        assert number in CARDS
        for position in range(1, len(number)):
            other = str((int(number[position]) + 1) % 10)
            assert not is_card_number(number[:position] + other + number[position + 1 :])


@pytest.mark.parametrize("number", CARDS)
@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "card {} was declined",
        "card={}",
        "number:{},",
        "'{}'",
        '{{"number": "{}"}}',
        "({})",
        "pan{}x",
        "a_{}_b",
        "https://example.com/?n={}&x=1",
        "x%20{}",
        "\\n{}",
        "\\xa0{}",
        "\n{}\n",
        "amount 5000 {}",
        "{} 12/30 123",
        "id 7 {} 7",
    ],
)
def test_card_numbers_in_text(number, text):
    """A card number is masked wherever in a text it stands, and its last four digits stay."""
    shown = mask_text(text.format(number))
    assert number not in shown
    assert number[:-4] not in shown
    assert f"[card ending {number[-4:]}]" in shown


@pytest.mark.parametrize(
    "written",
    [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111+1111+1111+1111",
        "4111%201111%201111%201111",
        "4111\u00a01111\u00a01111\u00a01111",
        "3782 822463 10005",
        "3056-930902-5904",
        "6205 5000 0000 0000 004",
        "411111111111 1111",
    ],
)
@pytest.mark.parametrize("text", ["{}", "pay with {} now", "order 12345 {} 5000", "2026-01-02 {}", "x{}x"])
def test_grouped_card_numbers(written, text):
    """Blanks and dashes do not hide a card number, nor do the numbers beside it."""
    shown = mask_text(text.format(written))
    assert "[card ending" in shown
    assert written not in shown
    assert "1111 1111" not in shown


@pytest.mark.parametrize(
    "value",
    [
        "pay_01jd3x9s6k7q8r2t4v5w6x7y8z",
        "order_01234567890123456789012345",
        "pay_01jd4111111111111111abcdef",
        "41111111-1111-1111-8abc-111111111111",
        "abababababababab4111111111111111",
        "took 0.4111111111111111 s",
        "1765432109876",
        "1765432109876543",
        "1765432109876543210",
        "2026-01-02T03:04:05.123456+00:00",
        "2026-01-02 03-04-05",
        "2026-11-21 10:39:25",
        "payment/pay_01jd3x9s6k7q8r2t4v5w6x7y8z",
        "999999999999",
        "took 0.6931471805599453 s",
        "4111111111111112",
        "127.0.0.1:54321",
        "HTTP 200 in 15 ms after 3 attempts",
        "12 34 56 78 90 12 34",
        "1 of 4111 rows, 1111 left",
        "12345678901234567890123",
        "@app.get('/x')",
        "2001:db8::1",
        "secret rotated",
        "no token given",
    ],
)
def test_what_stays_readable(value):
    """Identifiers, digests, times, amounts and plain sentences come out as they went in."""
    assert mask_text(value) == value


@pytest.mark.parametrize(
    "value", [0, -1, 5_000, 999_999_999_999, 1_765_432_109_876, 1_765_432_109_876_543_210, True, None, 1.5]
)
def test_plain_values_are_left_alone(value):
    """Amounts and times as numbers stay numbers."""
    assert mask({"amount_minor": value}) == {"amount_minor": value}
    assert type(mask(value)) is type(value)


@pytest.mark.parametrize("number", CARDS)
def test_card_numbers_as_integers(number):
    """A card number is no less one for being an integer: no amount and no time of today has its shape."""
    assert mask(int(number)) == f"[card ending {number[-4:]}]"


@given(st.integers(min_value=0, max_value=999_999_999_999))
def test_no_amount_is_ever_masked(amount):
    """No amount that the API accepts is mistaken for a card."""
    assert mask(amount) == amount
    assert mask_text(f"amount {amount}") == f"amount {amount}"


@given(st.integers(min_value=10**12, max_value=2 * 10**12 - 1))
def test_no_time_is_ever_masked(milliseconds):
    """No time in milliseconds from 2001 to 2033 is mistaken for a card."""
    assert mask(milliseconds) == milliseconds
    assert mask_text(str(milliseconds)) == str(milliseconds)


def test_no_identifier_is_ever_masked():
    """Identifiers made by the code come through, thousands of them."""
    for prefix in ("pay", "rfnd", "order", "evt", "whe", "dlv"):
        for identifier in [new_id(prefix) for _ in range(1_000)]:
            assert mask_text(f"workflow payment/{identifier}.") == f"workflow payment/{identifier}."


@pytest.mark.parametrize(
    "key",
    [
        "secret",
        "client_secret",
        "secret_keys",
        "SECRET_KEYS",
        "webhookSecret",
        "authorization",
        "Authorization",
        "X-Api-Key",
        "x-api-secret",
        "x_api_secret",
        "api_key",
        "password",
        "passwd",
        "token",
        "card_token",
        "access-token",
        "cvv",
        "cvc",
        "card_number",
        "pan",
        "otp",
        "pin",
        "cookie",
        "Set-Cookie",
        "api_key_peppers",
        "private_key",
    ],
)
def test_values_under_secret_keys(key):
    """A value under the name of a secret is replaced whole, at any depth and of any type."""
    for value in ("hunter2", 123, ["hunter2"], {"a": "hunter2"}, b"hunter2"):
        assert mask({"a": [{key: value}]}) == {"a": [{key: "[masked]"}]}
    assert mask({key: None}) == {key: None}, "that there is none is worth knowing"


@pytest.mark.parametrize(
    "key", ["api_key_id", "idempotency_key", "event", "status", "payment_id", "shipping", "opinion", "company", "key"]
)
def test_values_under_other_keys(key):
    """Names that only look a little like a secret's are left alone."""
    assert mask({key: "plain"}) == {key: "plain"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=hunter2", "password=[masked]"),
        ("PASSWORD: hunter2;", "PASSWORD: [masked];"),
        ("{'cvv': '123', 'x': 1}", "{'cvv': [masked], 'x': 1}"),
        ('{"cvv": "12\\"3", "x": 1}', '{"cvv": [masked], "x": 1}'),
        ('{\\"cvv\\": \\"123\\"}', '{\\"cvv\\": [masked]}'),
        ("Card(cvv='123', holder=1)", "Card(cvv=[masked], holder=1)"),
        ("cvv=123 x", "cvv=[masked] x"),
        ("a?token=abc&x=1", "a?token=[masked]&x=1"),
        ("X-Api-Secret: secret_test_xyz789", "X-Api-Secret: [masked]"),
        ("[(b'x-api-secret', b'abc')]", "[(b'x-api-secret', [masked])]"),
        ("[('Authorization', 'Bearer abcdef')]", "[('Authorization', [masked])]"),
        ("Authorization: Bearer eyJhbGciOi.eyJzdWIi.sig-na_ture", "Authorization: [masked] [masked]"),
        ("sent Basic dXNlcjpwYXNz", "sent Basic [masked]"),
        ("key whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw=", "key whsec_[masked]"),
        ("with secret_test_xyz789", "with secret_test_[masked]"),
        (
            "postgresql+asyncpg://clearway:p@ss:w0rd@db.example:5432/clearway",
            "postgresql+asyncpg://clearway:[masked]@db.example:5432/clearway",
        ),
        ("asha.rao+x@example.co.in called", "a***@example.co.in called"),
        ("vpa 9876543210@paytm declined", "vpa 9***@paytm declined"),
        ("success@razorpay", "s***@razorpay"),
        ("call +91 98765 43210.", "call +91***10."),
        ("call +919876543210", "call +91***10"),
        ("call +1-202-555-0143", "call +1-***43"),
    ],
)
def test_secrets_and_personal_data_in_text(text, shown):
    """Text that was put together elsewhere is masked by its form."""
    assert mask_text(text) == shown


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("email", "asha@example.com", "a***@example.com"),
        ("customer_email", "asha@example.com", "a***@example.com"),
        ("vpa", "asha@okhdfc", "a***@okhdfc"),
        ("phone", "+919876543210", "+91***10"),
        ("phone", "98765 43210", "***10"),
        ("contact", 9876543210, "***10"),
        ("mobile", "9876543210", "***10"),
        ("holder_name", "Asha Rao", "A***"),
        ("email", "not an address", "n***"),
        ("email", "", ""),
        ("email", ["asha@example.com"], ["a***@example.com"]),
        ("contact", {"email": "asha@example.com"}, {"email": "a***@example.com"}),
    ],
)
def test_personal_data_under_its_key(key, value, shown):
    """A person's details keep only what support needs to distinguish two people."""
    assert mask({key: value}) == {key: shown}


def test_partly_never_shows_the_whole():
    """Even a detail of one character is not shown whole."""
    assert mask_partly("A") == "A***"


class Colour(StrEnum):
    """An enumeration, as statuses are."""

    RED = "red"


@dataclass
class Charge:
    """An object whose repr shows everything it has."""

    number: str
    cvv: str


class Unprintable:
    """An object that cannot be turned to text."""

    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Charge("4111111111111111", "123"), "Charge(number='[card ending 1111]', cvv=[masked])"),
        (ValueError("cvv=123"), "cvv=[masked]"),
        (Unprintable(), "[Unprintable without a text]"),
        (b"cvv=123", "b'cvv=[masked]'"),
        (Colour.RED, "red"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00"),
        (UUID("41111111-1111-4111-8111-111111111111"), "41111111-1111-4111-8111-111111111111"),
        ((1, "cvv=1"), [1, "cvv=[masked]"]),
        ({"cvv=1"}, ["cvv=[masked]"]),
        (deque(["cvv=1"]), ["cvv=[masked]"]),
        ({1: {"4111111111111111": 2}}, {"1": {"[card ending 1111]": 2}}),
        (2**64, "0x10000000000000000"),
        (-(2**63), "-0x8000000000000000"),
        ("\udcff", "\\udcff"),
        (range(10**12), list(range(256))),
        ({"a": "b" * 100_000}, {"a": "b" * 32_768 + " [67232 more characters]"}),
    ],
)
def test_every_type_becomes_something_to_render(value, shown):
    """Every value is masked before it becomes text, and can be written as JSON."""
    assert mask(value) == shown
    orjson.dumps(mask(value))


def test_endless_structures_end():
    """A structure that holds itself is cut, not followed for ever."""
    endless = {}
    endless["self"] = [endless]
    assert "[too deep]" in orjson.dumps(mask(endless)).decode()
    deep = value = {}
    for _ in range(DEPTH_MAX + 5):
        value["x"] = {"cvv": "123"}
        value = value["x"]
    assert "123" not in str(mask(deep))


def test_card_number_at_the_cut():
    """Cutting a long text does not leave most of a card number at its end."""
    for length in range(32_768 - 20, 32_768):
        assert "411111111" not in mask_text("x" * length + " 4111111111111111")


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.binary(), st.lists))
def test_never_raises(value):
    """Logging must not be what fails: any value is masked and rendered."""
    orjson.dumps(mask({"event": value, str(value)[:10]: value}))


@pytest.mark.parametrize(
    "piece",
    ["a", "a-", "secret", "secret ", "token_", "4111 ", "4", "a@", "a.", "+1 ", "://a:", "Bearer ", "'\\", "%20"],
)
def test_no_text_takes_long(piece):
    """No pattern blows up: the longest text made of anything tricky is masked in a moment."""
    started = time.process_time()
    mask_text(piece * (40_000 // len(piece)))
    assert time.process_time() - started < 1
