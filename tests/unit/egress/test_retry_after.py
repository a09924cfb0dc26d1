"""`Retry-After`, read in both of its forms and never trusted to be well formed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.egress.retry_after import retry_after_s

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("Thu, 01 Jan 2026 12:01:30 GMT", 90.0),
        ("Thursday, 01-Jan-26 12:01:30 GMT", 90.0),
        ("Thu Jan  1 12:01:30 2026", 90.0),
        ("Thu, 01 Jan 2026 17:31:30 +0530", 90.0),
        ("Thu, 01 Jan 2026 12:01:30 -0000", 90.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("1e9", None),
        ("٣", None),
        ("9" * 5_000, None),
        ("Thu, 01 Jan 99999 00:00:00 GMT", None),
        ("Thu, 32 Jan 2026 00:00:00 GMT", None),
        ("120, 60", None),
    ],
)
def test_both_forms(value, expected):
    """Seconds or an HTTP date give a wait; what is neither gives none."""
    assert retry_after_s(value, NOW) == expected


@given(st.text())
def test_any_header_is_survived(value):
    """No header makes the attempt fail: the answer is a wait that is not negative, or none."""
    wait = retry_after_s(value, NOW)
    assert wait is None or wait >= 0
