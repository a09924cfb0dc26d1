"""The search attributes of our workflows: one list for workers, tests, the development server and compose.

They carry identifiers and states only. Names, addresses and card data must never become a search attribute: Temporal
stores them unencrypted and shows them in its UI.
"""

from __future__ import annotations

from typing import Final

from temporalio.common import SearchAttributeKey

MERCHANT_ID: Final = SearchAttributeKey.for_keyword("MerchantId")
PAYMENT_ID: Final = SearchAttributeKey.for_keyword("PaymentId")
ORDER_ID: Final = SearchAttributeKey.for_keyword("OrderId")
PAYMENT_STATUS: Final = SearchAttributeKey.for_keyword("PaymentStatus")
GATEWAY: Final = SearchAttributeKey.for_keyword("Gateway")
AMOUNT: Final = SearchAttributeKey.for_int("Amount")
"""In minor units of `CURRENCY`."""
CURRENCY: Final = SearchAttributeKey.for_keyword("Currency")

SEARCH_ATTRIBUTES: Final[tuple[SearchAttributeKey[str] | SearchAttributeKey[int], ...]] = (
    MERCHANT_ID,
    PAYMENT_ID,
    ORDER_ID,
    PAYMENT_STATUS,
    GATEWAY,
    AMOUNT,
    CURRENCY,
)
"""Every attribute to register, in the order people read them."""
