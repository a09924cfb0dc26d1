"""Views of lists that people keep: filters and columns of a page under a name."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class ListPage(StrEnum):
    """The lists of the dashboard that have views."""

    PAYMENTS = "payments"
    ORDERS = "orders"
    REFUNDS = "refunds"
    EVENTS = "events"


VIEWS_MAX: Final = 50
"""Of one person at one merchant."""
NAME_LENGTH_MAX: Final = 64
FILTERS_MAX: Final = 20
VALUES_MAX: Final = 20
VALUE_LENGTH_MAX: Final = 255
COLUMNS_MAX: Final = 40
NAME_FORM: Final = r"^[a-z][a-z0-9_]{0,39}$"
"""Of filters and columns."""
