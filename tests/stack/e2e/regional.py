"""A merchant who takes payments by a gateway that a document describes, and the customer's browser.

The documents are those of `deploy/gateways`; the gateways are the simulator's stand-ins.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any, Final

import httpx

from clearway.simulator.facades.idram.codes import checksum as idram_checksum
from clearway.simulator.facades.telcell.codes import checksum as telcell_checksum
from tests.stack.e2e.conftest import Site
from tests.stack.e2e.merchant import Merchant, eventually

DOCUMENTS: Final = Path(__file__).parents[3] / "deploy" / "gateways"
BACK: Final = "https://shop.example/thanks"


@dataclass(frozen=True)
class Form:
    """How a gateway of a document is connected: what is entered, and how a payment names it."""

    credentials: dict[str, str]
    values: dict[str, str]
    instrument: dict[str, Any]
    address: str = "api"


def wallet(code: str) -> dict[str, Any]:
    """Return the part of a payment's body that names a wallet."""
    return {"method": "wallet", "wallet": {"code": code}}


def bank(code: str) -> dict[str, Any]:
    """Return the part of a payment's body that names a bank."""
    return {"method": "netbanking", "bank": {"code": code}}


def form_of(gateway: str, account: str) -> Form:
    """Return what the merchant enters for an account at the stand-in."""
    secret = f"secret_{account}"
    match gateway:
        case "telcell":
            return Form({"shop_key": secret}, {"shop_id": account}, wallet("telcell"), "page")
        case "idram":
            return Form({"secret_key": secret}, {"rec_account": account}, wallet("idram"), "page")
        case "fastshift":
            return Form({"token": f"token_{account}"}, {}, wallet("fastshift"))
        case "ameriabank":
            names = {"client_id": "client", "username": account, "password": secret}
            return Form(names, {}, bank("AMERIABANK"))
        case _:
            return Form({"user_name": account, "password": secret}, {}, bank("ARCA"))


@dataclass
class RegionalShop:
    """A merchant with one account at one of the gateways."""

    site: Site
    gateway: str
    account: str
    gateway_id: str
    instrument: dict[str, Any]

    @property
    def merchant(self) -> Merchant:
        """The merchant's program."""
        return self.site.merchant

    @property
    def webhook(self) -> str:
        """The path of the configuration's address for events."""
        return f"/gateways/{self.gateway_id}/webhook"

    async def pay(self, amount: int, **fields: Any) -> dict[str, Any]:
        """Create a payment of drams, and wait until its customer must act."""
        merchant = self.merchant
        order = await merchant.order(amount, "AMD")
        body = {"order_id": order, "gateway_id": self.gateway_id, "return_url": BACK, **self.instrument, **fields}
        answer = await merchant.post("/payments", body)
        assert answer.status_code == 201, answer.text
        return await merchant.until(dict(answer.json()), "requires_action")

    async def open(self, payment: dict[str, Any], **changed: str) -> str:
        """Open the page as the customer's browser does, and return the URL where its buttons are.

        changed: what the customer puts into the form that their browser posts, in place of what Clearway wrote.
        """
        browser = self.merchant.gateway
        answer = await browser.get(payment["next_action"]["url"])
        form = form_in(answer.text)
        if form is not None:
            answer = await browser.post(form[0], data=form[1] | changed)
        while answer.status_code == 303:
            answer = await browser.get(answer.headers["location"])
        assert answer.status_code == 200, answer.text
        return str(answer.url)

    async def form(self, payment: dict[str, Any]) -> dict[str, str]:
        """Return the fields of the form that the customer's browser is to post."""
        form = form_in((await self.merchant.gateway.get(payment["next_action"]["url"])).text)
        assert form is not None, "the page has a form"
        return form[1]

    async def press(self, page: str, button: str) -> httpx.Response:
        """Press a button of the page."""
        shown = await self.merchant.gateway.get(page)
        actions = [part.split('"')[0] for part in shown.text.split('action="')[1:]]
        [action] = [one for one in actions if one.endswith(f"/{button}")]
        return await self.merchant.gateway.post(action)

    async def come_back(self, answer: httpx.Response) -> None:
        """Follow the gateway's redirect as the browser does: to Clearway, which sends the customer to the shop."""
        assert answer.status_code == 303, answer.text
        async with httpx.AsyncClient(trust_env=False, timeout=20) as browser:
            returned = await browser.get(answer.headers["location"])
        assert returned.status_code == 303, returned.text
        assert returned.headers["location"].startswith(BACK)

    async def visit(self, payment: dict[str, Any], button: str = "pay") -> httpx.Response:
        """Open the page and press a button."""
        return await self.press(await self.open(payment), button)

    async def events(self, payment: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the gateway's events about a payment."""
        listed = await self.merchant.read(f"/gateway_events?gateway_id={self.gateway_id}&limit=100")
        return [event for event in listed["data"] if event.get("subject_id") == payment["id"]]

    async def event(self, payment: dict[str, Any], disposition: str) -> dict[str, Any]:
        """Wait for an event that became this."""
        found = await eventually(
            lambda: self.events(payment), lambda events: [one for one in events if one["disposition"] == disposition]
        )
        return next(one for one in found if one["disposition"] == disposition)


def form_in(page: str) -> tuple[str, dict[str, str]] | None:
    """Return the address and the hidden fields of the form of a page; None: it has no hidden fields."""
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    if not fields:
        return None
    [action] = re.findall(r'<form method="post" action="([^"]*)"', page)
    return unescape(action), {unescape(name): unescape(value) for name, value in fields}


async def connected(site: Site, gateway: str, document: dict[str, Any] | None = None, **account: Any) -> RegionalShop:
    """Connect a gateway by its document, and agree with the gateway where it reports to."""
    name = f"shop{secrets.token_hex(6)}"
    form, simulator = form_of(gateway, name), site.stack.simulator_url
    settings = {
        "document": document or document_of(gateway),
        "values": form.values,
        "addresses": {form.address: f"{simulator}/{gateway}"},
    }
    body = {"kind": "custom", "name": gateway.title(), "priority": 900, "credentials": form.credentials}
    made = await site.merchant.post("/gateways", body | {"settings": settings})
    assert made.status_code == 201, made.text
    agreed = {"secret": f"secret_{name}", "result_url": made.json()["webhook_url"], "success_url": BACK} | account
    put = await site.merchant.gateway.put(f"/{gateway}/accounts/{name}", json=agreed)
    assert put.status_code == 200, put.text
    return RegionalShop(site, gateway, name, made.json()["id"], form.instrument)


def document_of(gateway: str) -> dict[str, Any]:
    """Return the example document of a gateway."""
    document: dict[str, Any] = json.loads((DOCUMENTS / f"{gateway}.json").read_text())
    return document


def telcell_report(shop: RegionalShop, number: str, **fields: str) -> dict[str, str]:
    """Return a report that is signed as Telcell signs."""
    told = {"invoice": secrets.token_hex(4), "issuer_id": number, "payment_id": "1", "currency": "51"} | fields
    return told | {"checksum": telcell_checksum(f"secret_{shop.account}", told)}


def idram_confirmation(shop: RegionalShop, bill: str, amount: str) -> dict[str, str]:
    """Return a confirmation that is signed as Idram signs."""
    told = {
        "EDP_BILL_NO": bill,
        "EDP_REC_ACCOUNT": shop.account,
        "EDP_AMOUNT": amount,
        "EDP_PAYER_ACCOUNT": "100000999",
        "EDP_TRANS_ID": secrets.token_hex(6),
        "EDP_TRANS_DATE": "25/11/2026",
    }
    return told | {"EDP_CHECKSUM": idram_checksum(f"secret_{shop.account}", told)}
