"""The order: what is to be paid, and where it stands."""

from __future__ import annotations

from enum import StrEnum


class OrderStatus(StrEnum):
    """Where an order stands, as the API shows it."""

    CREATED = "created"
    ATTEMPTED = "attempted"
    PAID = "paid"
