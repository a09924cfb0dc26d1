"""Every page of the dashboard with axe: light on a desktop, dark on a phone. A new page that is not here fails."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

import pytest
from playwright.async_api import Page

from clearway.dev.stack import Stack
from clearway.domain.roles import Role
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD, TEST_API_KEY
from tests.stack.browser.accessible import Look, faults_in
from tests.stack.browser.conftest import NewPage
from tests.stack.browser.inbox import link_of
from tests.stack.browser.people import add_member, call_api, open_home, sign_in
from tests.stack.browser.shop import Shop
from tests.stack.browser.test_dashboard import paid
from tests.stack.browser.test_routing import saved
from tests.stack.e2e.merchant import eventually
from tests.unit.tidy.source import ROOT

LOOKS: Final = (Look(1_280, "light"), Look(390, "dark"))
ROUTES: Final = ROOT / "web/dashboard/src/routes"
NO_PAGES: Final = {"__root.tsx", "_app.tsx"}
LONG: Final = "Maximilian Freiherr von Hohenstein-Württemberg zu Oberpfaffenhofen"
OUTSIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "login.tsx": ("/login",),
    "register.tsx": ("/register",),
    "forgot.tsx": ("/forgot",),
    "reset.tsx": ("/reset?token=nothing", "/reset"),
    "verify.tsx": ("/verify?token=nothing", "{verify}"),
    "confirm-address.tsx": ("/confirm-address?token=nothing",),
    "invitation.tsx": ("/invitation?token=nothing", "{invitation}"),
}
"""By the file of the route: before anybody has signed in."""
INSIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "_app/index.tsx": ("/",),
    "_app/account.tsx": ("/account", "/account?tab=security", "/account?tab=sessions"),
    "_app/audit.tsx": ("/audit",),
    "_app/customers.tsx": ("/customers", "/customers?email=every@example.test"),
    "_app/developers/index.tsx": ("/developers",),
    "_app/developers/keys/$keyId.tsx": (f"/developers/keys/{TEST_API_KEY}",),
    "_app/developers/requests/index.tsx": ("/developers/requests",),
    "_app/developers/requests/$requestId.tsx": ("/developers/requests/{request}",),
    "_app/developers/reference.tsx": ("/developers/reference",),
    "_app/developers/guide.tsx": ("/developers/guide?lang=python",),
    "_app/developers/events/index.tsx": ("/developers/events",),
    "_app/developers/events/$noun/$verb.tsx": ("/developers/events/payment/success",),
    "_app/events/index.tsx": ("/events",),
    "_app/events/$eventId.tsx": ("/events/{event}",),
    "_app/gateways/index.tsx": ("/gateways",),
    "_app/gateways/$gatewayId.tsx": ("/gateways/{gateway}", "/gateways/gw_of_nobody"),
    "_app/operator.tsx": ("/operator",),  # its tabs: test_operator
    "_app/orders/index.tsx": ("/orders",),
    "_app/orders/$orderId.tsx": ("/orders/{order}",),
    "_app/payments/index.tsx": ("/payments", "/payments?status=expired"),
    "_app/payments/$paymentId.tsx": ("/payments/{payment}",),
    "_app/refunds/index.tsx": ("/refunds",),
    "_app/refunds/$refundId.tsx": ("/refunds/{refund}",),
    "_app/routing/index.tsx": ("/routing",),
    "_app/routing/$number.tsx": ("/routing/{version}",),
    "_app/routing/new.tsx": ("/routing/new?from={version}",),
    "_app/settings.tsx": ("/settings", "/settings?tab=security", "/settings?tab=notices", "/settings?tab=exports"),
    "_app/team.tsx": ("/team",),
    "_app/testing/index.tsx": ("/testing?method=card",),
    "_app/testing/faults.tsx": ("/testing/faults",),
    "_app/testing/webhooks.tsx": ("/testing/webhooks",),
    "_app/testing/data.tsx": ("/testing/data",),
    "_app/webhooks/index.tsx": ("/webhooks",),
    "_app/webhooks/$endpointId.tsx": ("/webhooks/{endpoint}",),
    "_app/webhooks/deliveries/index.tsx": ("/webhooks/deliveries",),
    "_app/webhooks/deliveries/$deliveryId.tsx": ("/webhooks/deliveries/{delivery}",),
    "_app/webhooks/verify.tsx": ("/webhooks/verify",),
}
"""By the file of the route: with what is made below."""


def test_no_page_is_missing() -> None:
    """Every file of a route has its addresses in the tables."""
    files = {path.relative_to(ROUTES).as_posix() for path in ROUTES.rglob("*.tsx")} - NO_PAGES
    assert files == OUTSIDE.keys() | INSIDE.keys()


async def business(shop: Shop) -> dict[str, str]:
    """Make one of each thing that has a page, with long names; return their ids."""
    payment = await paid(shop, name=LONG, email="every@example.test")
    refund = await shop.api.post(f"/payments/{payment['id']}/refunds", json={"amount": 100, "reason": "سبب طويل"})
    deliveries = await eventually(
        lambda: shop.read(f"/payments/{payment['id']}/webhooks"), lambda found: bool(found["data"])
    )
    requests = await eventually(lambda: shop.read("/request_log"), lambda found: bool(found["data"]))
    return {
        "payment": payment["id"],
        "order": payment["order_id"],
        "refund": refund.raise_for_status().json()["id"],
        "delivery": deliveries["data"][0]["id"],
        "endpoint": deliveries["data"][0]["endpoint_id"],
        "event": (await shop.read("/events"))["data"][0]["id"],
        "gateway": (await shop.gateways())[0]["id"],
        "request": requests["data"][0]["id"],
        "version": str(await saved(shop, {"rules": []}, LONG)),
    }


async def all_faults(
    page: Page, stack: Stack, pages: Mapping[str, tuple[str, ...]], ids: Mapping[str, str]
) -> list[str]:
    """Open every address and return what is serious on any."""
    found: list[str] = []
    for address in (address for addresses in pages.values() for address in addresses):
        path = address.format(**ids)
        await page.goto(path if path.startswith("http") else stack.dashboard_url + path)
        found += await faults_in(page, LOOKS)
    return found


@pytest.mark.timeout(900)
async def test_pages_inside(page: Page, stack: Stack, shop: Shop) -> None:
    """Axe finds nothing serious, and no page is wider than its window, for an owner who is an operator too."""
    email = f"every-{secrets.token_hex(4)}@example.test"
    await add_member(stack, email, Role.OWNER, LONG, is_operator=True)
    await sign_in(page, stack, email)
    assert await all_faults(page, stack, INSIDE, await business(shop)) == []


async def test_pages_outside(page: Page, new_page: NewPage, stack: Stack) -> None:
    """The same for who has not signed in: with a link of a mail, and with one that is not good."""
    invited, newcomer = (f"{name}-{secrets.token_hex(4)}@example.test" for name in ("invited", "newcomer"))
    owner = await new_page()
    await sign_in(owner, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await open_home(owner, stack)
    await call_api(owner, "POST", "/invitations", {"email": invited, "role": "viewer"})
    await page.goto(f"{stack.dashboard_url}/register")
    await page.get_by_label("E-mail address").fill(newcomer)
    await page.get_by_label("Your name").fill(LONG)
    await page.get_by_label("Name of the business").fill(LONG)
    await page.get_by_role("button", name="Send me the link").click()
    links = {
        "verify": await link_of(stack, newcomer, "/verify"),
        "invitation": await link_of(stack, invited, "/invitation"),
    }
    assert await all_faults(page, stack, OUTSIDE, links) == []
