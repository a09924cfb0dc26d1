"""Takes the pictures of docs/tour.md: `python -m scripts.tour`.

A stack of its own gets a shop's data: payments of a month, some made just now through the gateway, a refund, rules and
one payment in doubt. The pictures are in docs/tour, light, as small as they can be read. The data are drawn by
chance, so run it when pages changed, not for its own sake.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from PIL import Image
from playwright.async_api import Browser, BrowserContext, Page, expect

from clearway.db.engine import create_engine
from clearway.db.users import users
from clearway.dev.browser import MISSING, find_chromium
from clearway.dev.stack import Stack
from clearway.domain.actor import SYSTEM, Actor
from clearway.settings import OWNER_EMAIL, TEST_API_KEY, TEST_API_SECRET, Settings
from clearway.users import administering
from scripts.measure_pages import cookies_of_the_owner, pages

PICTURES: Final = Path(__file__).parents[1] / "docs" / "tour"
DESKTOP: Final = (1_280, 800)
PHONE: Final = (390, 780)
QUALITY: Final = 78
PATIENCE_S: Final = 90
BATCHES: Final = ((50, 1), (50, 1), (50, 7), (50, 30), (50, 30))
"""How many payments of the past, over how many days."""
CUSTOMERS: Final = (
    (159_800, "Ananya Iyer", "ananya@example.test", "success@razorpay"),
    (84_000, "Արամ Սարգսյան", "aram@example.test", "success@razorpay"),
    (45_900, "Grace Hopper", "grace@example.test", "lowfunds@clearway"),
    (312_500, "محمد عبد الله", "mohammed@example.test", "success@razorpay"),
    (99_900, "José Álvarez", "jose@example.test", "wrongamount@clearway"),
)
"""Amount, name, address, and a VPA whose result is known: docs/testing-values.md."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A page to show. click: the button that opens a dialog first."""

    name: str
    path: str
    size: tuple[int, int] = DESKTOP
    click: str | None = None


async def main() -> None:
    """Fill a shop, and take every picture."""
    async with pages() as (browser, stack):
        payment, order = await _fill(stack)
        await _make_operator(stack)
        cookies = await cookies_of_the_owner(browser, stack)
        PICTURES.mkdir(exist_ok=True)
        for picture in _pictures(stack, payment, order):
            await _take(browser, stack, cookies, picture)
    total = sum(path.stat().st_size for path in PICTURES.glob("*.webp"))
    print(f"{total / 1_000:.0f} KB in all")


def _pictures(stack: Stack, payment: str, order: str) -> Sequence[Picture]:
    checkout = f"{stack.checkout_url}/checkout/{order}?key={TEST_API_KEY}"
    return (
        Picture("home", "/"),
        Picture("home-phone", "/", PHONE),
        Picture("transactions", "/payments"),
        Picture("transactions-phone", "/payments", PHONE),
        Picture("payment", f"/payments/{payment}"),
        Picture("refund", f"/payments/{payment}", click="Refund"),
        Picture("webhooks", "/webhooks/deliveries"),
        Picture("gateways", "/gateways"),
        Picture("routing", "/routing"),
        Picture("guide", "/developers/guide"),
        Picture("testing", "/testing"),
        Picture("team", "/team"),
        Picture("audit-log", "/audit"),
        Picture("settings", "/settings"),
        Picture("operator", "/operator?tab=reviews"),
        Picture("checkout-phone", checkout, PHONE),
    )


async def _fill(stack: Stack) -> tuple[str, str]:
    """Give the test merchant something to show. Returns a payment that succeeded, and an order that is not paid."""
    headers = {"X-Api-Key": TEST_API_KEY, "X-Api-Secret": TEST_API_SECRET}
    async with httpx.AsyncClient(
        base_url=f"{stack.api_url}/api/v1", headers=headers, timeout=PATIENCE_S, trust_env=False
    ) as api:
        for payments, days in BATCHES:
            await _post(api, "/test/data", payments=payments, days=days)
        await _route(api)
        made = [await _pay(api, *customer) for customer in CUSTOMERS]
        await _all_have_ended(api, made)
        await _post(api, f"/payments/{made[1]}/refunds", amount=40_000, reason="One of two lamps came back")
        order = await _post(api, "/orders", amount=249_900, currency="INR", receipt="R-1043")
        return made[0], str(order["id"])


async def _route(api: httpx.AsyncClient) -> None:
    first = (await api.get("/gateways")).raise_for_status().json()["data"][0]["id"]
    second = await _post(api, "/gateways", kind="simulator", name="Bank of cards", priority=200)
    upi, cards = (
        {"name": name, "statements": [{"conditions": [condition]}], "output": {"type": "single", "gateway": gateway}}
        for name, condition, gateway in (
            ("UPI", {"field": "method", "is": "one_of", "value": ["upi"]}, first),
            ("Cards", {"field": "method", "is": "one_of", "value": ["card"]}, second["id"]),
        )
    )
    made = await _post(api, "/routing/versions", program={"rules": [upi, cards]}, note="Cards to their bank")
    await _post(api, f"/routing/versions/{made['number']}/activate")


async def _pay(api: httpx.AsyncClient, amount: int, name: str, email: str, vpa: str) -> str:
    order = await _post(api, "/orders", amount=amount, currency="INR", receipt=f"R-{amount // 100}")
    customer = {"name": name, "email": email}
    payment = await _post(api, "/payments", order_id=order["id"], method="upi", vpa=vpa, customer=customer)
    return str(payment["id"])


async def _all_have_ended(api: httpx.AsyncClient, payments: Sequence[str]) -> None:
    for _ in range(PATIENCE_S):
        found = [(await api.get(f"/payments/{payment}")).raise_for_status().json() for payment in payments]
        if not any(payment["status"] in {"pending", "processing"} for payment in found):
            return
        await asyncio.sleep(1)
    sys.exit("The payments of the tour do not end. Is this machine very busy?")


async def _post(api: httpx.AsyncClient, path: str, **body: object) -> dict[str, Any]:
    found: dict[str, Any] = (await api.post(path, json=body)).raise_for_status().json()
    return found


async def _make_operator(stack: Stack) -> None:
    engine = create_engine(Settings(database_url=stack.database_url), application_name="tour")
    try:
        async with engine.begin() as connection:
            owner = await users.find_by_email(connection, OWNER_EMAIL)
            assert owner is not None, "the seed makes the owner"
            await administering.set_operator(connection, Actor(SYSTEM, None), owner, is_operator=True)
    finally:
        await engine.dispose()


async def _take(browser: Browser, stack: Stack, cookies: Any, picture: Picture) -> None:
    width, height = picture.size
    phone = picture.size == PHONE
    context: BrowserContext = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="light", locale="en-GB", is_mobile=phone
    )
    await context.add_cookies(cookies)
    page = await context.new_page()
    await page.goto(picture.path if picture.path.startswith("http") else stack.dashboard_url + picture.path)
    await _settle(page)
    if picture.click:
        await page.get_by_role("button", name=picture.click, exact=True).click()
        await page.get_by_role("dialog").wait_for()
        await page.wait_for_timeout(400)
    shot = Image.open(io.BytesIO(await page.screenshot()))
    shot.save(PICTURES / f"{picture.name}.webp", quality=QUALITY, method=6)
    await context.close()


async def _settle(page: Page) -> None:
    """Wait until everything that loads is there, and fonts and charts are drawn."""
    await page.get_by_role("heading", level=1).first.wait_for(timeout=PATIENCE_S * 1_000)
    await expect(page.get_by_role("status", name="Loading")).to_have_count(0, timeout=PATIENCE_S * 1_000)
    await page.wait_for_timeout(700)


if __name__ == "__main__":
    if find_chromium() is None:
        sys.exit(MISSING)
    asyncio.run(main())
