"""The order: what is to be paid, and where it stands."""

from __future__ import annotations

from enum import StrEnum


class OrderStatus(StrEnum):
    """Status of an order."""

    CREATED = "created"
    ATTEMPTED = "attempted"
    PAID = "paid"
