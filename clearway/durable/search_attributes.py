"""The search attributes of the workflows: one list for workers, tests, the development server and compose.

They carry identifiers and states only. Names, addresses and card data must never become a search attribute: Temporal
stores them unencrypted and shows them in its UI.
"""

from __future__ import annotations

from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
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


async def ensure_search_attributes(client: Client) -> None:
    """Add the search attributes that the client's namespace does not know; workflows that set them would fail."""
    request = ListSearchAttributesRequest(namespace=client.namespace)
    known = (await client.operator_service.list_search_attributes(request)).custom_attributes
    missing = {
        attribute.name: IndexedValueType.ValueType(int(attribute.indexed_value_type))
        for attribute in SEARCH_ATTRIBUTES
        if attribute.name not in known
    }
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
