"""Who may call: keys and secrets, and what is learnt from a refusal."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.tables import api_keys, merchants
from clearway.settings import TEST_API_KEY, TEST_API_SECRET
from tests.services.api.conftest import Caller


async def refusal(client: httpx.AsyncClient, key: str | bytes | None, secret: str | bytes | None) -> httpx.Response:
    """Call with these credentials, which must be refused."""
    given = {"X-Api-Key": key, "X-Api-Secret": secret}
    headers = {name: value for name, value in given.items() if value is not None}
    response = await client.get("/orders", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("ApiKey")
    return response


async def test_the_test_merchant_may_call(anonymous: httpx.AsyncClient) -> None:
    """Outside production, the published credentials of the test merchant are valid."""
    headers = {"X-Api-Key": TEST_API_KEY, "X-Api-Secret": TEST_API_SECRET}
    assert (await anonymous.get("/orders", headers=headers)).status_code == 200


@pytest.mark.parametrize(("key", "secret"), [(None, None), (TEST_API_KEY, None), (None, TEST_API_SECRET), ("", "")])
async def test_both_halves_are_needed(anonymous: httpx.AsyncClient, key: str | None, secret: str | None) -> None:
    """Without the key or the secret there is no answer but 401."""
    assert (await refusal(anonymous, key, secret)).json()["code"] == "credentials_missing"


async def test_an_unknown_key_and_a_wrong_secret_look_the_same(anonymous: httpx.AsyncClient) -> None:
    """Nobody learns from the answer which keys exist."""
    unknown = (await refusal(anonymous, "key_nobody", TEST_API_SECRET)).json()
    wrong = (await refusal(anonymous, TEST_API_KEY, "secret_wrong")).json()
    unknown.pop("request_id")
    wrong.pop("request_id")
    assert unknown == wrong
    assert wrong["code"] == "credentials_invalid"


async def test_a_secret_of_another_merchant_does_not_open(anonymous: httpx.AsyncClient, caller: Caller) -> None:
    """A valid secret under another's key is a wrong secret."""
    await refusal(anonymous, caller.credentials.api_key, TEST_API_SECRET)


@pytest.mark.parametrize("odd", ["é".encode("latin-1"), "ключ".encode(), b"\xff\xfe", "x" * 5_000, "key'; --", "%00"])
async def test_odd_credentials_are_wrong_and_nothing_worse(anonymous: httpx.AsyncClient, odd: str | bytes) -> None:
    """Non-ASCII, huge or hostile header values are a 401, never a failure."""
    await refusal(anonymous, odd, TEST_API_SECRET)
    await refusal(anonymous, TEST_API_KEY, odd)


async def test_a_revoked_key_opens_nothing(
    anonymous: httpx.AsyncClient, caller: Caller, api_engine: AsyncEngine
) -> None:
    """A key that is revoked is refused from the next request on."""
    assert (await caller.http.get("/orders")).status_code == 200
    async with api_engine.begin() as connection:
        mine = api_keys.c.id == caller.credentials.api_key
        await connection.execute(update(api_keys).where(mine).values(revoked_at=func.now()))
    await refusal(anonymous, caller.credentials.api_key, caller.credentials.api_secret)


async def test_a_merchant_that_is_switched_off_may_not_call(
    anonymous: httpx.AsyncClient, caller: Caller, api_engine: AsyncEngine
) -> None:
    """An inactive merchant's keys open nothing."""
    async with api_engine.begin() as connection:
        await connection.execute(update(merchants).where(merchants.c.id == caller.id).values(active=False))
    await refusal(anonymous, caller.credentials.api_key, caller.credentials.api_secret)


async def test_credentials_are_asked_before_a_body_is_judged(anonymous: httpx.AsyncClient) -> None:
    """A request without valid credentials gets 401, and learns nothing about its body."""
    assert (await anonymous.post("/orders", json={"amount": -1})).status_code == 401
