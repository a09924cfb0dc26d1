"""The `Retry-After` header of an endpoint, in both forms of RFC 9110, 10.2.3.

Only reads the header; whether and within which bounds it is honoured is the delivery's decision.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

SECONDS: Final = re.compile(r"[0-9]{1,9}")


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Return the seconds to wait from `now`, 0.0 for a date that has passed, None for no or a meaningless value."""
    text = (value or "").strip()
    if SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # "-0000" and a missing zone come back naive; HTTP dates are always in UTC.
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return max(0.0, (aware - now).total_seconds())
