"""Rate limits of merchants. Those of addresses are in `test_public.py`."""

from __future__ import annotations

from typing import Any

from api.app import create_app
from clearway.settings import Settings
from tests.services.api.conftest import Caller, NewCaller, changed, client_of


async def test_a_merchant_is_limited_alone(api_settings: Settings, new_caller: NewCaller) -> None:
    """One merchant beyond the limit gets 429; another is not touched."""
    one, other = await new_caller(), await new_caller()
    app = create_app(changed(api_settings, rate_limit_merchant="2/minute"))
    async with (
        app.router.lifespan_context(app),
        client_of(app, one.credentials) as first,
        client_of(app, other.credentials) as second,
    ):
        answers = [await first.get("/orders") for _ in range(3)]
        untouched = await second.get("/orders")
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == ["r=1", "r=0", "r=0"]
    assert answers[-1].json()["type"].endswith("#quota-exceeded")
    assert untouched.status_code == 200


async def test_a_429_is_never_kept_as_an_answer(api_settings: Settings, new_caller: NewCaller) -> None:
    """The limit is checked before the key: once there is room again the key works."""
    caller = await new_caller()
    limited = create_app(changed(api_settings, rate_limit_merchant="1/minute"))
    body, headers = {"amount": 1, "currency": "INR"}, {"Idempotency-Key": "k"}
    async with limited.router.lifespan_context(limited), client_of(limited, caller.credentials) as client:
        await client.get("/orders")
        assert (await client.post("/orders", json=body, headers=headers)).status_code == 429
    made = await caller.http.post("/orders", json=body, headers=headers)
    assert made.status_code == 201
    assert "Idempotent-Replayed" not in made.headers


async def test_a_wrong_secret_does_not_use_up_the_merchants_limit(
    api_settings: Settings, new_caller: NewCaller
) -> None:
    """Strangers who know a key id cannot lock its merchant out."""
    caller = await new_caller()
    app = create_app(changed(api_settings, rate_limit_merchant="2/minute"))
    async with app.router.lifespan_context(app), client_of(app, caller.credentials) as client:
        for _ in range(5):
            await client.get("/orders", headers={"X-Api-Secret": "wrong"})
        assert (await client.get("/orders")).status_code == 200


async def test_a_customer_is_limited_at_one_merchant(api_settings: Settings, new_caller: NewCaller) -> None:
    """More payments of one customer than allowed are 429 and reserve nothing; other customers and merchants go on."""
    caller, other = await new_caller(), await new_caller()
    app = create_app(changed(api_settings, rate_limit_customer="1/hour"))
    async with (
        app.router.lifespan_context(app),
        client_of(app, caller.credentials) as client,
        client_of(app, other.credentials) as elsewhere,
    ):
        first = await client.post("/payments", json=await _payment(caller, email="a@example.com"))
        again = await _payment(caller, email="A@example.com")
        refused = await client.post("/payments", json=again)
        neighbour = await client.post("/payments", json=again | {"customer": {"email": "b@example.com"}})
        stranger = await elsewhere.post("/payments", json=await _payment(other, email="a@example.com"))
    answers = [first, refused, neighbour, stranger]
    assert [answer.status_code == 429 for answer in answers] == [False, True, False, False], "there is no Temporal here"
    assert int(refused.headers["Retry-After"]) > 0


async def _payment(caller: Caller, **customer: str) -> dict[str, Any]:
    order = (await caller.http.post("/orders", json={"amount": 100, "currency": "INR"})).json()
    return {"order_id": order["id"], "method": "upi", "vpa": "success@razorpay", "customer": customer}
