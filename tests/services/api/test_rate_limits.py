"""Rate limits of merchants. Those of addresses are in `test_public.py`."""

from __future__ import annotations

from api.app import create_app
from clearway.settings import Settings
from tests.services.api.conftest import NewCaller, changed, client_of


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
