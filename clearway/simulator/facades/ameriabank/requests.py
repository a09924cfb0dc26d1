"""The bodies of Ameriabank's calls."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt

ORDER_ID_MAX = 2**31 - 1


class _Call(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    Username: str = Field(max_length=200, repr=False)
    Password: str = Field(max_length=200, repr=False)

    def charged(self) -> Any:
        """Return the amount that the call names, if it names one."""
        return getattr(self, "Amount", None)


class Init(_Call):
    """A new payment. Timeout: how many seconds the page works."""

    ClientID: str = Field(min_length=1, max_length=200)
    OrderID: StrictInt = Field(gt=0, le=ORDER_ID_MAX)
    Amount: Decimal
    Currency: str = "051"
    Description: str = Field(min_length=1, max_length=510)
    BackURL: str | None = Field(default=None, max_length=2_048)
    Opaque: str = Field(default="", max_length=510)
    Timeout: StrictInt = Field(default=1_200, gt=0, le=1_200)


class About(_Call):
    """A question about a payment, or its cancellation."""

    PaymentID: str = Field(max_length=64)


class AboutMoney(About):
    """A confirmation or a refund of an amount."""

    Amount: Decimal
