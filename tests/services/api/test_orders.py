"""Orders: created, read, listed."""

from __future__ import annotations

import pytest

from clearway.domain.limits import AMOUNT_MINOR_MAX
from tests.services.api.conftest import Caller


async def test_an_order_is_made_and_read_back(caller: Caller) -> None:
    """A new order comes back with an id and the status `created`, in the answer and when it is read."""
    sent = {"amount": 12_345, "currency": "INR", "receipt": "R-1", "notes": {"cart": "c-9"}}
    made = await caller.http.post("/orders", json=sent)
    assert made.status_code == 201
    order = made.json()
    assert order["id"].startswith("order_")
    assert order["object"] == "order"
    assert order["status"] == "created"
    assert {name: order[name] for name in sent} == sent
    assert (await caller.http.get(f"/orders/{order['id']}")).json() == order


async def test_receipt_and_notes_are_optional(caller: Caller) -> None:
    """An order needs an amount and a currency, and nothing else."""
    made = await caller.http.post("/orders", json={"amount": 1, "currency": "JPY"})
    assert made.status_code == 201
    assert made.json()["receipt"] is None
    assert made.json()["notes"] == {}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"amount": "100", "currency": "INR"}, "amount"),
        ({"amount": 100.0, "currency": "INR"}, "amount"),
        ({"amount": True, "currency": "INR"}, "amount"),
        ({"amount": None, "currency": "INR"}, "amount"),
        ({"amount": 0, "currency": "INR"}, "amount"),
        ({"amount": -1, "currency": "INR"}, "amount"),
        ({"amount": AMOUNT_MINOR_MAX + 1, "currency": "INR"}, "amount"),
        ({"amount": 10**40, "currency": "INR"}, "amount"),
        ({"currency": "INR"}, "amount"),
        ({"amount": 100}, "currency"),
        ({"amount": 100, "currency": "inr"}, "currency"),
        ({"amount": 100, "currency": "XXX"}, "currency"),
        ({"amount": 100, "currency": "RUPEE"}, "currency"),
        ({"amount": 100, "currency": 356}, "currency"),
        ({"amount": 100, "currency": "INR", "amout": 5}, "amout"),
        ({"amount": 100, "currency": "INR", "receipt": "x" * 65}, "receipt"),
        ({"amount": 100, "currency": "INR", "receipt": "a\x00b"}, "receipt"),
        ({"amount": 100, "currency": "INR", "receipt": 7}, "receipt"),
        ({"amount": 100, "currency": "INR", "notes": {"k": 1}}, "notes.k"),
        ({"amount": 100, "currency": "INR", "notes": {"k": "\x00"}}, "notes.k"),
        ({"amount": 100, "currency": "INR", "notes": {"k": "x" * 513}}, "notes.k"),
        ({"amount": 100, "currency": "INR", "notes": {str(i): "" for i in range(16)}}, "notes"),
        ({"amount": 100, "currency": "INR", "notes": {"": "x"}}, "notes."),
        ({"amount": 100, "currency": "INR", "notes": ["x"]}, "notes"),
    ],
)
async def test_what_cannot_be_an_order_is_refused_by_field(caller: Caller, body: dict[str, object], field: str) -> None:
    """Wrong types, bounds, currencies and unknown fields are a 422 that names the field, and nothing is made."""
    refused = await caller.http.post("/orders", json=body)
    assert refused.status_code == 422, refused.text
    problem = refused.json()
    assert problem["code"] == "validation_error"
    assert any(error["field"].startswith(field) for error in problem["errors"]), problem
    assert (await caller.http.get("/orders")).json()["data"] == []


async def test_a_half_character_is_refused(caller: Caller) -> None:
    """A lone surrogate, which JSON can spell and no database can store, is a 422 and not a failure."""
    body = b'{"amount": 1, "currency": "INR", "receipt": "\\ud800"}'
    refused = await caller.http.post("/orders", content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "receipt"


async def test_orders_are_listed_by_status(caller: Caller) -> None:
    """The filter by status shows those in it and no others."""
    order_id = await caller.order()
    created = await caller.http.get("/orders", params={"status": "created"})
    assert [order["id"] for order in created.json()["data"]] == [order_id]
    assert (await caller.http.get("/orders", params={"status": "paid"})).json()["data"] == []
    assert (await caller.http.get("/orders", params={"status": "lost"})).status_code == 422


@pytest.mark.parametrize("order_id", ["order_00000000000000000000000000", "x", "order_", "%00", "%ED%A0%80", "pay_1"])
async def test_an_order_that_is_not_there_is_not_found(caller: Caller, order_id: str) -> None:
    """A text that is not the id of an own order is a 404."""
    missing = await caller.http.get(f"/orders/{order_id}")
    assert missing.status_code == 404
    assert missing.json()["code"] == "order_not_found"
