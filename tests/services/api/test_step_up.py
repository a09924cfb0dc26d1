"""Step-up: a session that was left open moves no large sums, and opens no keys, secrets or credentials."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.tables import orders, payments, refunds, sessions
from clearway.domain.ids import ORDER, PAYMENT, REFUND, USER, new_id
from clearway.domain.roles import Role
from tests.services.api.conftest import Caller, Payer
from tests.services.api.people import PASSWORD, add_person, browser, sign_in
from tests.services.api.rows import order_row, payment_row, refund_row

NEEDS = [
    ("POST", "/api_keys", {"name": "key"}),
    ("POST", "/api_keys/key_x/rotate", None),
    ("POST", "/webhook_endpoints", {"url": "https://shop.example/hooks"}),
    ("POST", "/webhook_endpoints/whe_x/rotate_secret", None),
    ("GET", "/return_secret", None),
    ("POST", "/gateways", {"kind": "simulator", "name": "Another"}),
    ("PATCH", "/gateways/gw_x", {"name": "Other"}),
    ("POST", "/gateways/export", {"passphrase": "a passphrase of many words"}),
    ("PATCH", "/settings", {"security": {"totp_required": True}}),
    ("PATCH", "/settings", {"security": {"refund_step_up": {"INR": 1_000_000}}}),
    ("POST", "/invitations", {"email": "a@example.test", "role": "viewer"}),
    ("PATCH", "/members/usr_x", {"role": "viewer"}),
    ("DELETE", "/members/usr_x", None),
]


@pytest.fixture
async def left_open(app: FastAPI, api_engine: AsyncEngine, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    """Sign an owner in, and let the minutes pass in which a step-up is valid."""
    person = await add_person(api_engine, f"{new_id(USER)}@example.test", member_of=caller, role=Role.OWNER)
    async with browser(app, caller.id) as http:
        await sign_in(http, person)
        async with api_engine.begin() as connection:
            mine = update(sessions).where(sessions.c.user_id == person.id)
            await connection.execute(mine.values(stepped_up_at=None))
        yield http


async def _payment(engine: AsyncEngine, caller: Caller) -> str:
    order_id, payment_id = new_id(ORDER), new_id(PAYMENT)
    async with engine.begin() as connection:
        await connection.execute(insert(orders).values(order_row(order_id, caller.id)))
        await connection.execute(insert(payments).values(payment_row(payment_id, caller.id, order_id)))
    return payment_id


@pytest.mark.parametrize(("method", "path", "body"), NEEDS)
async def test_a_session_left_open_is_asked_first(
    left_open: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None
) -> None:
    """403 step_up_required; after the password, the same request is judged on its own merits."""
    refused = await left_open.request(method, path, json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
    confirmed = await left_open.post("/users/me/step_up", json={"password": PASSWORD})
    assert confirmed.status_code == 200, confirmed.text
    answer = await left_open.request(method, path, json=body)
    assert answer.status_code != 403, answer.text


async def test_harmless_changes_ask_nothing(left_open: httpx.AsyncClient) -> None:
    """Looking, branding and revoking a key need no step-up."""
    assert (await left_open.get("/api_keys")).status_code == 200
    assert (await left_open.patch("/settings", json={"branding": {"accent": "#0b5fff"}})).status_code == 200
    assert (await left_open.post("/api_keys/key_x/revoke")).status_code == 404


REFUNDS = [(None, 1, True), (500, 500, False), (500, 501, True), (0, 1, True), (500, None, True)]
"""The limit that is set, the amount of the refund, and whether it needs a step-up."""


@pytest.mark.parametrize("case", REFUNDS, ids=str)
async def test_large_refunds_ask_first(
    left_open: httpx.AsyncClient,
    caller: Caller,
    api_engine: AsyncEngine,
    case: tuple[int | None, int | None, bool],
) -> None:
    """Above the amount of the currency, and always without one; a refund of everything counts as all of it."""
    limit, amount, asked = case
    payment_id = await _payment(api_engine, caller)
    if limit is not None:
        body = {"security": {"refund_step_up": {"INR": limit}}}
        assert (await caller.http.patch("/settings", json=body)).status_code == 200
    refund = {} if amount is None else {"amount": amount}
    answer = await left_open.post(f"/payments/{payment_id}/refunds", json=refund)
    assert (answer.json().get("code") == "step_up_required") == asked, answer.text


async def test_many_small_refunds_are_one_large_one(
    left_open: httpx.AsyncClient, caller: Caller, api_engine: AsyncEngine
) -> None:
    """Earlier refunds of the payment count, those under way too; failed ones moved nothing."""
    payment_id = await _payment(api_engine, caller)
    await caller.http.patch("/settings", json={"security": {"refund_step_up": {"INR": 500}}})
    async with api_engine.begin() as connection:
        for status, amount in (("pending", 400), ("failed", 400)):
            row = refund_row(new_id(REFUND), caller.id, payment_id, status=status, amount_minor=amount)
            await connection.execute(insert(refunds).values(row))
    for amount, asked in ((100, False), (101, True)):
        answer = await left_open.post(f"/payments/{payment_id}/refunds", json={"amount": amount})
        assert (answer.json().get("code") == "step_up_required") == asked, answer.text


async def test_small_refunds_at_once_are_one_large_one(payer: Payer, app: FastAPI, api_engine: AsyncEngine) -> None:
    """Of ten at the same moment as many are made as fit below the limit; with a step-up the next one is made."""
    paid = await payer.payment()
    await payer.http.patch("/settings", json={"security": {"refund_step_up": {paid["currency"]: 10_000}}})
    person = await add_person(api_engine, f"{new_id(USER)}@example.test", member_of=payer, role=Role.OWNER)
    path = f"/payments/{paid['id']}/refunds"
    async with browser(app, payer.id) as http:
        await sign_in(http, person)
        async with api_engine.begin() as connection:
            mine = update(sessions).where(sessions.c.user_id == person.id)
            await connection.execute(mine.values(stepped_up_at=None))
        answers = await asyncio.gather(*(http.post(path, json={"amount": 4_000}) for _ in range(10)))
        codes = sorted(answer.json().get("code", "made") for answer in answers)
        assert codes == ["made"] * 2 + ["step_up_required"] * 8
        assert (await http.post("/users/me/step_up", json={"password": PASSWORD})).status_code == 200
        assert (await http.post(path, json={"amount": 4_000})).status_code == 201


async def test_a_key_is_not_asked(caller: Caller) -> None:
    """It has nobody who could be asked."""
    assert (await caller.http.post("/api_keys", json={"name": "key"})).status_code == 201
    assert (await caller.http.get("/return_secret")).status_code == 200
