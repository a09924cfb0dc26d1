"""Amounts in a gateway's formats: exact both ways, or refused."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.domain.limits import AMOUNT_MINOR_MAX
from clearway.gateways.custom.amounts import AmountNotExpressibleError, read, step_minor, written
from clearway.gateways.custom.language.values import AmountFormat

Separator = Literal[".", ","]
FORMS = st.builds(
    AmountFormat,
    format=st.sampled_from(["minor_int", "major_int", "decimal"]),
    places=st.none() | st.integers(0, 4),
    separator=st.sampled_from([".", ","]),
)
CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD", "AMD", "INR"])


@given(FORMS, st.integers(0, AMOUNT_MINOR_MAX), CURRENCIES, st.integers(0, 4))
def test_what_is_written_is_read_as_the_same_amount(form: AmountFormat, minor: int, currency: str, digits: int) -> None:
    """In every format, currency and count of decimals: the same amount comes back, or none is written."""
    if minor % step_minor(form, currency, digits):
        with pytest.raises(AmountNotExpressibleError):
            written(form, minor, currency, digits)
    else:
        assert read(form, written(form, minor, currency, digits), currency, digits) == minor


@pytest.mark.parametrize(
    ("form", "minor", "currency", "digits", "text"),
    [
        (AmountFormat(format="minor_int"), 1050, "EUR", 2, "1050"),
        (AmountFormat(format="minor_int"), 190000, "AMD", 0, "1900"),
        (AmountFormat(format="major_int"), 190000, "AMD", 2, "1900"),
        (AmountFormat(format="decimal"), 1050, "EUR", 2, "10.50"),
        (AmountFormat(format="decimal", places=2), 1900, "JPY", 0, "1900.00"),
        (AmountFormat(format="decimal", separator=","), 1050, "KWD", 3, "1,050"),
        (AmountFormat(format="decimal", places=1), 1050, "EUR", 2, "10.5"),
    ],
)
def test_formats(form: AmountFormat, minor: int, currency: str, digits: int, text: str) -> None:
    """Each format writes what its name says."""
    assert written(form, minor, currency, digits) == text


@pytest.mark.parametrize(
    "text", ["", "-1", "1e3", "1 000", "1,000.00", "NaN", "Infinity", "0x10", "١٢", "1.", ".5", "10.505", "9" * 40]
)
def test_what_is_no_amount_is_not_read(text: str) -> None:
    """Signs, exponents, blanks, thousands, other digits and parts of a minor unit are refused, never rounded."""
    with pytest.raises(AmountNotExpressibleError):
        read(AmountFormat(format="decimal"), text, "EUR", 2)


@pytest.mark.parametrize("form", [AmountFormat(format="major_int"), AmountFormat(format="decimal", places=1)])
def test_an_amount_that_is_not_exact_is_not_written(form: AmountFormat) -> None:
    """10.55 is not rounded to 10.5 or to 10."""
    with pytest.raises(AmountNotExpressibleError):
        written(form, 1055, "EUR", 2)
