"""`/errors`: the table that connectors use, for everybody to read."""

from __future__ import annotations

import httpx

from clearway.domain.errors import DECLINE_CODES


async def test_every_code_is_explained_to_anybody(anonymous: httpx.AsyncClient) -> None:
    """Without a key, each code that a payment can have is there, with a text for the merchant and for the customer."""
    listed = (await anonymous.get("/errors")).json()["data"]

    assert [each["code"] for each in listed] == sorted(DECLINE_CODES)
    assert all(each["merchant_text"] and each["customer_text"] for each in listed)


async def test_a_gateway_s_errors_are_listed(anonymous: httpx.AsyncClient) -> None:
    """A row says what Clearway makes of the error, and shows a code that decides nothing as such."""
    rows = {(row["operation"], row["code"]): row for row in (await anonymous.get("/errors/stripe")).json()["data"]}

    assert rows["authorise", "do_not_honor"]["error_code"] == "card_declined"
    asked = rows["any", "api_error"]
    assert (asked["error_code"], asked["executed"], asked["elsewhere"]) == (None, "maybe", "no")


async def test_an_unknown_kind_is_named(anonymous: httpx.AsyncClient) -> None:
    """The answer says which kinds there are."""
    refused = await anonymous.get("/errors/strype")

    assert (refused.status_code, refused.json()["code"]) == (404, "gateway_kind_not_found")
    assert "`stripe`" in refused.json()["detail"]
