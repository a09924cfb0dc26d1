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


KEY_FORM = (
    "Send the key, which begins with key_, as X-Api-Key, and its secret, which begins with secret_, as X-Api-Secret"
)


@pytest.mark.parametrize(
    ("key", "secret", "said"),
    [
        (None, None, "The request has no API key"),
        (TEST_API_KEY, None, "X-Api-Secret is missing, and X-Api-Key was sent"),
        (None, TEST_API_SECRET, "X-Api-Key is missing, and X-Api-Secret was sent"),
        ("sk_test_wrong", TEST_API_SECRET, "The value of X-Api-Key is not an API key of Clearway"),
        ("sk_test_wrong", "sk_test_wrong", "The value of X-Api-Key is not an API key of Clearway"),
        (TEST_API_KEY, "sk_test_wrong", "The value of X-Api-Secret is not the secret of an API key"),
        ("key_nobody", "sk_test_wrong", "The value of X-Api-Secret is not the secret of an API key"),
        (TEST_API_SECRET, TEST_API_KEY, "The key and the secret are swapped"),
    ],
)
async def test_a_refusal_says_what_is_wrong_and_what_to_send(
    anonymous: httpx.AsyncClient, key: str | None, secret: str | None, said: str
) -> None:
    """What is missing or can be no key is named, with the wanted form and where keys are; never what was sent."""
    refused = (await refusal(anonymous, key, secret)).json()
    assert refused["code"] == ("credentials_malformed" if key and secret else "credentials_missing")
    assert refused["detail"].startswith(f"{said}. Nothing was done. ")
    assert KEY_FORM in refused["detail"]
    assert "under Developers" in refused["detail"]
    assert "sk_test_wrong" not in refused["detail"]
    assert TEST_API_KEY not in refused["detail"]


async def test_what_is_wrong_with_a_key_of_the_right_form_is_not_said(anonymous: httpx.AsyncClient) -> None:
    """A key that may exist gets all reasons at once, and what to do."""
    detail = (await refusal(anonymous, "key_nobody", "secret_nothing")).json()["detail"]
    assert detail.startswith("The API key is unknown, revoked or expired, or the secret is wrong. Nothing was done. ")
    assert "rotating the key" in detail


@pytest.mark.parametrize("path", ["/orders", "/users/me"])
async def test_a_key_of_another_service_as_a_bearer_token_is_told_so(anonymous: httpx.AsyncClient, path: str) -> None:
    """`Authorization: Bearer sk_test_wrong` is no ended session: the answer says how keys are sent here."""
    refused = await anonymous.get(path, headers={"Authorization": "Bearer sk_test_wrong"})
    assert (refused.status_code, refused.json()["code"]) == (401, "credentials_malformed")
    assert refused.json()["detail"].startswith("The text after `Bearer` is not an access token. Nothing was done. ")
    assert KEY_FORM in refused.json()["detail"]


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
