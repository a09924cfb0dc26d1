"""Settings: what a merchant sets, for itself alone, with an audit row of before and after."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.accounts.merchant_settings import checkout_settings
from clearway.db.tables import audit_log
from tests.services.api.conftest import Caller
from tests.unit.domain.test_branding import PNG, data_url

SHOP = "https://shop.example"


async def patched(caller: Caller, **body: Any) -> dict[str, Any]:
    """Change settings and return all of them."""
    answer = await caller.http.patch("/settings", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_merchant_begins_with_the_defaults(caller: Caller) -> None:
    """Without a row there is nothing to miss: every field has its value."""
    found = (await caller.http.get("/settings")).json()
    assert (found["merchant_id"], found["mode"], found["time_zone"]) == (caller.id, "test", "UTC")
    assert found["branding"] == {"logo": None, "accent": None, "accent_text": None}
    assert found["checkout"]["allowed_origins"] == []
    assert found["security"]["refund_step_up"] == {}
    assert found["limits"]["webhook_endpoints"] == 16
    assert found["updated_at"] is None


async def test_what_is_left_out_stays(caller: Caller, api_engine: AsyncEngine) -> None:
    """Each PATCH changes the fields that it has, inside of a part too, and the checkout reads the result."""
    await patched(caller, branding={"logo": data_url(PNG), "accent": "#FFE600"}, time_zone="Asia/Kolkata")
    await patched(
        caller, checkout={"allowed_origins": [f"{SHOP}:443", SHOP], "help_texts": {"faq": "Ask us.\nWe answer."}}
    )
    found = await patched(caller, name="The Shop", checkout={"support_email": "help@shop.example"})
    assert found == (await caller.http.get("/settings")).json()
    assert found["branding"] == {"logo": data_url(PNG), "accent": "#ffe600", "accent_text": "#000000"}
    assert found["checkout"]["allowed_origins"] == [SHOP]
    async with api_engine.connect() as connection:
        shown = await checkout_settings(connection, caller.id)
    assert (shown.name, shown.accent, shown.allowed_origins) == ("The Shop", "#ffe600", (SHOP,))
    assert shown.logo is not None
    assert shown.logo.content == PNG
    assert shown.help_texts == {"faq": "Ask us.\nWe answer."}
    removed = await patched(caller, branding={"logo": None, "accent": None})
    assert removed["branding"] == {"logo": None, "accent": None, "accent_text": None}


@pytest.mark.parametrize(
    "body",
    [
        {"branding": {"accent": "red"}},
        {"branding": {"accent": "#fff"}},
        {"branding": {"logo": "https://elsewhere.example/logo.png"}},
        {"checkout": {"allowed_origins": ["https://*.example"]}},
        {"checkout": {"allowed_origins": None}},
        {"checkout": {"terms_url": "http://shop.example/terms"}},
        {"checkout": {"terms_url": "javascript:alert(1)"}},
        {"checkout": {"help_texts": {"cookies": "No such page."}}},
        {"checkout": {"help_texts": {"faq": "Pay to 4242 4242 4242 4242"}}},
        {"time_zone": "Europe/Nowhere"},
        {"security": {"refund_step_up": {"INR": -1}}},
        {"security": {"refund_step_up": {"XXX1": 1}}},
        {"name": " "},
        {"limits": {"api_keys": 1_000}},
    ],
)
async def test_what_cannot_be_is_refused(caller: Caller, body: dict[str, Any]) -> None:
    """The field is named, and nothing is changed."""
    answer = await caller.http.patch("/settings", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]
    assert (await caller.http.get("/settings")).json()["updated_at"] is None


async def test_text_that_nobody_reads_is_refused(caller: Caller) -> None:
    """Also when the colour that it stands on was set before."""
    together = await caller.http.patch("/settings", json={"branding": {"accent": "#ffe600", "accent_text": "#ffffff"}})
    assert together.json()["code"] == "settings_invalid"
    await patched(caller, branding={"accent": "#ffe600"})
    later = await caller.http.patch("/settings", json={"branding": {"accent_text": "#ffffff"}})
    assert later.json()["code"] == "settings_invalid"
    assert "#000000" in later.json()["detail"]
    alone = await caller.http.patch("/settings", json={"branding": {"accent": None, "accent_text": "#000000"}})
    assert alone.json()["code"] == "settings_invalid"


async def test_a_live_checkout_is_framed_by_https_only(caller: Caller, live_caller: Caller) -> None:
    """Localhost is for trying; and each side of an account has settings of its own."""
    body = {"checkout": {"allowed_origins": ["http://localhost:4000"]}}
    assert (await caller.http.patch("/settings", json=body)).status_code == 200
    refused = await live_caller.http.patch("/settings", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "settings_invalid")
    assert (await live_caller.http.get("/settings")).json()["checkout"]["allowed_origins"] == []


async def test_the_accounts_name_is_that_of_both_sides(caller: Caller, live_caller: Caller) -> None:
    """`name` is the merchant's, `account_name` the account's: a test key cannot change that."""
    await patched(live_caller, name="Live side", account_name="The Company")
    test = (await caller.http.get("/settings")).json()
    assert (test["name"], test["account_name"]) == ("A Shop", "The Company")
    for body in ({"account_name": "Taken over"}, {"security": {"totp_required": True}}):
        refused = await caller.http.patch("/settings", json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "live_key_needed")


async def test_a_change_leaves_its_audit_row(caller: Caller, api_engine: AsyncEngine) -> None:
    """Before and after of what differs, addresses of people masked; without a difference, none."""
    await patched(caller, time_zone="Asia/Kolkata", checkout={"support_email": "help@shop.example"})
    await patched(caller, time_zone="Asia/Kolkata")
    await patched(caller, branding={"logo": data_url(PNG)}, time_zone="UTC")
    of_caller = (audit_log.c.merchant_id == caller.id) & (audit_log.c.action == "settings.change")
    async with api_engine.connect() as connection:
        rows = (await connection.execute(select(audit_log).where(of_caller).order_by(audit_log.c.id))).all()
    assert [row.detail for row in rows] == [
        {
            "before": {"support_email": None, "time_zone": "UTC"},
            "after": {"support_email": "h***@shop.example", "time_zone": "Asia/Kolkata"},
        },
        {
            "before": {"logo": None, "logo_type": None, "time_zone": "Asia/Kolkata"},
            "after": {"logo": f"{len(PNG)} bytes", "logo_type": "image/png", "time_zone": "UTC"},
        },
    ]
    assert {row.actor for row in rows} == {f"key:{caller.credentials.api_key}"}
