"""A custom gateway from end to end: a form post, a question before the payment, a signed confirmation."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.gateways.inbound import METHODS
from tests.services.api.conftest import Caller, NewCaller, Payer
from tests.support.authority import Authority
from tests.support.custom_documents import calls, form, form_sign

SECRET = "a-secret-of-the-shop"
AMOUNT = 190_000


def bills(**more: Any) -> dict[str, Any]:
    """Return the body that connects the gateway of bills."""
    settings = {"document": form(), "values": {"account": "100"}}
    return {"kind": "custom", "name": "Bills", "credentials": {"secret": SECRET}, "settings": settings, **more}


async def connect(caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """Connect a gateway."""
    made = await caller.http.post("/gateways", json=body)
    assert made.status_code == 201, made.text
    return dict(made.json())


class Bill:
    """A payment that waits for its customer, and what the gateway may send about it."""

    def __init__(self, payment: dict[str, Any], gateway: dict[str, Any], page: str) -> None:
        self.payment = payment
        self.gateway = gateway
        self.fields = {name: html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', page)}

    async def asks(self, anonymous: httpx.AsyncClient, total: str = "1900.00", *, at: str = "") -> str:
        """Ask whether the payment may be made."""
        asked = {"PRECHECK": "YES", "BILL": self.fields["BILL"], "SUM": total}
        return (await anonymous.post(f"/gateways/{at or self.gateway['id']}/webhook", data=asked)).text

    async def confirms(
        self, anonymous: httpx.AsyncClient, total: str = "1900.00", *, secret: str = SECRET, at: str = ""
    ) -> httpx.Response:
        """Confirm that the customer has paid."""
        paid = self.confirmation(total, secret)
        return await anonymous.post(f"/gateways/{at or self.gateway['id']}/webhook", data=paid)

    def confirmation(self, total: str = "1900.00", secret: str = SECRET) -> dict[str, str]:
        """Return the fields of a confirmation."""
        bill = self.fields["BILL"]
        return {"BILL": bill, "SUM": total, "TRANSACTION": "77", "SIGN": form_sign(total, bill, "77", secret)}


@pytest.fixture
async def bill(payer: Payer, anonymous: httpx.AsyncClient) -> Bill:
    """Begin a payment at the gateway of bills."""
    return await bill_at(await connect(payer, bills()), payer, anonymous)


async def bill_at(gateway: dict[str, Any], payer: Payer, anonymous: httpx.AsyncClient) -> Bill:
    """Begin a payment at this gateway."""
    order = await payer.order(AMOUNT, "AMD")
    fields = {"method": "wallet", "wallet": {"code": "bills"}, "gateway_id": gateway["id"]}
    payment = await payer.payment(order, until="requires_action", **fields)
    page = await anonymous.get(payment["next_action"]["url"].partition("/api/v1")[2])
    assert page.status_code == 200, page.text
    return Bill(payment, gateway, page.text)


async def test_the_customer_gets_a_page_that_posts_the_form(
    bill: Bill, anonymous: httpx.AsyncClient, api_engine: AsyncEngine
) -> None:
    """Merchants redirect as always; the fields are on Clearway's page, encrypted in the row, and behind a token."""
    assert bill.payment["next_action"]["type"] == "redirect"
    assert bill.fields | {"BILL": ""} == {"ACCOUNT": "100", "SUM": "1900.00", "BILL": ""}
    url = bill.payment["next_action"]["url"].partition("/api/v1")[2]
    page = await anonymous.get(url)
    assert 'action="https://bills.example/pay"' in page.text
    assert "script-src 'sha256-" in page.headers["content-security-policy"]
    assert (await anonymous.get(url.partition("?")[0])).status_code == 404
    async with api_engine.connect() as connection:
        query = text("SELECT action_form FROM payments WHERE id = :id")
        kept = await connection.scalar(query, {"id": bill.payment["id"]})
    assert kept
    assert bill.fields["BILL"] not in kept


async def test_a_confirmation_is_believed_only_if_it_is_signed(
    bill: Bill, payer: Payer, anonymous: httpx.AsyncClient
) -> None:
    """A wrong signature is refused; the right one ends the payment, and the gateway gets its own answer."""
    forged = await bill.confirms(anonymous, secret="another")
    assert (forged.status_code, forged.json()["code"]) == (401, "signature_invalid")
    assert (await payer.payment_in(bill.payment["id"], "requires_action"))["amount_captured"] == 0
    assert (await bill.confirms(anonymous)).text == "OK"
    paid = await payer.payment_in(bill.payment["id"], "success")
    assert paid["amount_captured"] == AMOUNT
    assert (await bill.confirms(anonymous)).text == "OK"


async def test_another_amount_is_never_booked(bill: Bill, payer: Payer, anonymous: httpx.AsyncClient) -> None:
    """A signed confirmation of another amount leads to review."""
    assert (await bill.confirms(anonymous, "1.00")).status_code == 200
    reviewed = await payer.payment_in(bill.payment["id"], "needs_review")
    assert reviewed["amount_captured"] == 0


async def test_the_precheck_is_answered_by_what_is_recorded(
    bill: Bill, payer: Payer, anonymous: httpx.AsyncClient
) -> None:
    """An open payment in its own amount: yes. Another amount, an unknown or a cancelled payment: no."""
    assert await bill.asks(anonymous) == "OK"
    assert await bill.asks(anonymous, "1900.01") == "NO"
    assert await bill.asks(anonymous, "nonsense") == "NO"
    cancelled = await payer.http.post(f"/payments/{bill.payment['id']}/cancel", json={})
    assert cancelled.status_code == 200, cancelled.text
    assert await bill.asks(anonymous) == "NO"
    bill.fields["BILL"] = "UNKNOWN"
    assert await bill.asks(anonymous) == "NO"
    kept = (await payer.http.get("/gateway_events", params={"gateway_id": bill.gateway["id"]})).json()["data"]
    assert {event["disposition"] for event in kept} == {"answered"}
    assert any("another amount" in event["reason"] for event in kept)


async def test_a_gateway_speaks_only_of_its_own_payments(
    bill: Bill, payer: Payer, new_caller: NewCaller, anonymous: httpx.AsyncClient
) -> None:
    """A custom gateway of another merchant, and another one of the same merchant, move nothing and learn nothing."""
    other = await connect(await new_caller(), bills())
    second = await connect(payer, bills(name="Second"))
    for gateway in (other, second):
        assert await bill.asks(anonymous, at=gateway["id"]) == "NO"
        answered = await bill.confirms(anonymous, at=gateway["id"])
        assert (answered.status_code, answered.json()["status"]) == (200, "ignored")
    assert (await payer.payment_in(bill.payment["id"], "requires_action"))["amount_captured"] == 0


async def test_a_confirmation_may_come_as_multipart_form_data(payer: Payer, anonymous: httpx.AsyncClient) -> None:
    """Its fields are read and checked as those of a form; a file in it is left out."""
    document = form()
    for callback, example in ((1, 2), (1, 3)):
        document["callbacks"][callback]["source"] = "multipart"
        received = document["examples"]["run"][example]["receives"]
        document["examples"]["run"][example]["receives"] = {"multipart": received["form"]}
    gateway = await connect(payer, bills(settings={"document": document, "values": {"account": "100"}}))
    order = await payer.order(AMOUNT, "AMD")
    fields = {"method": "wallet", "wallet": {"code": "bills"}, "gateway_id": gateway["id"]}
    payment = await payer.payment(order, until="requires_action", **fields)
    page = (await anonymous.get(payment["next_action"]["url"].partition("/api/v1")[2])).text
    bill = Bill(payment, gateway, page)
    sent = {"SUM": "1900.00", "TRANSACTION": "77", "BILL": bill.fields["BILL"]}
    for sign, status in (("forged", 401), (form_sign("1900.00", bill.fields["BILL"], "77", SECRET), 200)):
        parts = {name: (None, value) for name, value in (sent | {"SIGN": sign}).items()}
        answered = await anonymous.post(
            f"/gateways/{gateway['id']}/webhook", files={**parts, "SUM_FILE": ("SUM", b"1.00")}
        )
        assert answered.status_code == status, answered.text
    assert (await payer.payment_in(payment["id"], "success"))["amount_captured"] == AMOUNT


async def test_a_client_certificate_is_checked_when_it_is_saved(payer: Payer, tmp_path: Path) -> None:
    """One that is no certificate, or has another key, is refused; the right pair is stored, and shown masked."""
    authority = Authority(tmp_path)
    one, other = authority.issue("shop"), authority.issue("other")
    document = calls() | {"client_certificate": {"certificate": "certificate", "key": "private_key"}}
    document["credentials"] |= {"certificate": {"description": "PEM."}, "private_key": {"description": "PEM."}}

    async def save(certificate: str, key: str) -> httpx.Response:
        credentials = {"key": "k3y", "certificate": certificate, "private_key": key}
        settings = {"document": document, "values": {"shop": "s"}}
        body = {"kind": "custom", "name": "Acme", "credentials": credentials, "settings": settings}
        return await payer.http.post("/gateways", json=body)

    right, key = one.certificate.read_text(), one.key.read_text()
    for given, said in (
        (("nonsense", key), "credentials.certificate: this is not a certificate in PEM"),
        ((right, "nonsense"), "credentials.private_key: this is not a private key in PEM"),
        ((right, other.key.read_text()), "credentials.private_key: this is not the private key of the certificate"),
    ):
        refused = await save(*given)
        assert (refused.status_code, refused.json()["code"]) == (422, "gateway_config_invalid")
        assert said in refused.json()["detail"]
    saved = await save(right, key)
    assert saved.status_code == 201, saved.text
    assert key.splitlines()[1] not in saved.text
    assert any("The client certificate expires on" in warning for warning in saved.json()["warnings"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"credentials": {}}, "credentials.secret: this is required"),
        ({"credentials": {"secret": SECRET, "other": "x"}}, "credentials.other: the document has no such"),
        ({"settings": {"document": form()}}, "settings.values.account: this is required"),
        ({"settings": {"document": {}}}, "clearway_gateway: Field required"),
        ({"settings": {"document": form() | {"flow": "redirect"}, "values": {"account": "1"}}}, "a `form` only for"),
        ({"settings": {"document": form() | {"description": "x" * 60_000}}}, "is longer than"),
        (
            {
                "settings": {
                    "document": form(),
                    "values": {"account": "1"},
                    "addresses": {"page": "http://169.254.169.254/latest"},
                }
            },
            "settings.addresses.page",
        ),
    ],
)
async def test_what_cannot_work_is_not_saved(caller: Caller, change: dict[str, Any], said: str) -> None:
    """The answer names the place and the reason, and repeats no secret."""
    answer = await caller.http.post("/gateways", json=bills() | change)
    assert (answer.status_code, answer.json()["code"]) == (422, "gateway_config_invalid"), answer.text
    assert said in answer.json()["detail"]
    assert SECRET not in answer.text


async def test_a_live_merchant_cannot_name_an_address_inside(live_caller: Caller) -> None:
    """The addresses of a document are the merchant's choice, so they are checked as webhook URLs are."""
    settings = {"document": calls(), "values": {"shop": "s"}, "addresses": {"api": "http://127.0.0.1:4010/acme"}}
    body = {"kind": "custom", "credentials": {"key": "k"}, "settings": settings}
    answer = await live_caller.http.post("/gateways", json=body)
    assert answer.status_code == 422
    assert "settings.addresses.api" in answer.json()["detail"]


async def test_a_custom_gateway_is_changed_exported_and_shown_without_its_secrets(caller: Caller) -> None:
    """A change of one setting keeps the others, an export can be imported, and no answer has a credential."""
    gateway = await connect(caller, bills())
    assert gateway["credentials"] == {"secret": "****cret"} or SECRET not in str(gateway)
    changed = await caller.http.patch(f"/gateways/{gateway['id']}", json={"settings": {"values": {"account": "200"}}})
    assert changed.status_code == 200, changed.text
    assert changed.json()["settings"]["document"]["title"] == "Bills"
    broken = await caller.http.patch(f"/gateways/{gateway['id']}", json={"settings": {"values": {"acount": "2"}}})
    assert broken.status_code == 422
    passphrase = "a passphrase of the tests"
    exported = await caller.http.post("/gateways/export", json={"passphrase": passphrase})
    assert exported.status_code == 200, exported.text
    again = await caller.http.post("/gateways/import", json={"passphrase": passphrase, "file": exported.json()})
    assert again.status_code == 200, again.text


async def test_a_dry_run_shows_what_would_be_sent_and_no_secret(caller: Caller) -> None:
    """Requests have placeholders for credentials; callbacks are checked with the real ones; nothing is sent."""
    gateway = await connect(caller, bills())
    paid = {"BILL": "B1", "SUM": "1900.00", "TRANSACTION": "7", "SIGN": form_sign("1900.00", "B1", "7", SECRET)}
    asked = {
        "payment": {"amount_minor": AMOUNT, "currency": "AMD"},
        "steps": [
            {"call": "page"},
            {"call": "callback", "receives": {"form": paid}},
            {"call": "callback", "receives": {"form": paid | {"SUM": "1.00"}}},
            {"call": "callback", "receives": {"form": {"PRECHECK": "YES", "BILL": "B1", "SUM": "5.00"}}},
            {"call": "refund"},
        ],
    }
    answer = await caller.http.post(f"/gateways/{gateway['id']}/dry_run", json=asked)
    assert answer.status_code == 200, answer.text
    page, believed, forged, question, refund = answer.json()["steps"]
    assert (page["outcome"]["page"], page["outcome"]["form"]["SUM"]) == ("https://bills.example/pay", "1900.00")
    assert (believed["answer"], believed["events"][0]["outcome"]["amount"]) == ("OK", AMOUNT)
    assert "not that of this message" in forged["refused"]
    assert (question["answer"], question["precheck_refusal"]) == ("OK", "NO")
    assert "no refunds by API" in refund["outcome"]["error_description"]
    assert SECRET not in answer.text


async def test_a_dry_run_of_calls_shows_the_requests(caller: Caller) -> None:
    """What one step adds to the record, the next one has; the key is `[key]` in them."""
    body = {
        "kind": "custom",
        "credentials": {"key": SECRET},
        "settings": {"document": calls(), "values": {"shop": "s"}},
    }
    gateway = await connect(caller, body)
    registered = {"status": 200, "json": {"order": {"id": "o1", "page": "https://acme.example/p/1"}}}
    steps = [{"call": "start", "answer": registered}, {"call": "page"}, {"call": "look_up", "answer": "timeout"}]
    asked = {"payment": {"amount_minor": 1050, "currency": "EUR"}, "steps": steps}
    answer = await caller.http.post(f"/gateways/{gateway['id']}/dry_run", json=asked)
    start, page, look_up = answer.json()["steps"]
    assert start["requests"][0]["headers"]["x-api-key"] == "[key]"
    assert '"amount":10.50' in start["requests"][0]["body"]
    assert page["outcome"]["page"] == "https://acme.example/p/1"
    assert look_up["requests"][0]["url"] == "https://acme.example/orders/o1"
    assert look_up["outcome"]["outcome"] == "unknown"
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("steps", "said"),
    [([{"call": "dance"}], "steps.0.call"), ([{"call": "page", "colour": 1}], "steps.0.colour")],
)
async def test_a_dry_run_that_cannot_be_read_is_refused(caller: Caller, steps: list[Any], said: str) -> None:
    """A step that does not exist is named; a gateway of another kind has no dry run."""
    gateway = await connect(caller, bills())
    asked = {"payment": {"amount_minor": 1, "currency": "AMD"}, "steps": steps}
    answer = await caller.http.post(f"/gateways/{gateway['id']}/dry_run", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "dry_run_invalid")
    assert said in answer.json()["detail"]
    other = (await caller.http.get("/gateways")).json()["data"][-1]["id"]
    assert (await caller.http.post(f"/gateways/{other}/dry_run", json=asked)).json()["code"] == "dry_run_invalid"


async def kept(payer: Payer, gateway_id: str) -> list[tuple[str, str, str]]:
    """Return method, verdict and disposition of what is kept of a gateway's requests, oldest first."""
    listed = (await payer.http.get("/gateway_events", params={"gateway_id": gateway_id})).json()["data"]
    return [(each["method"], each["verdict"], each["disposition"]) for each in reversed(listed)]


@pytest.fixture
async def any_bill(payer: Payer, anonymous: httpx.AsyncClient) -> Bill:
    """Begin a payment at a gateway that may confirm by any method, with the query or a form."""
    document = form()
    for callback in document["callbacks"]:
        callback |= {"methods": list(METHODS), "source": "query_or_form"}
    settings = {"document": document, "values": {"account": "100"}}
    return await bill_at(await connect(payer, bills(settings=settings)), payer, anonymous)


@pytest.mark.parametrize("part", ["params", "data"])
@pytest.mark.parametrize("method", METHODS)
async def test_a_confirmation_may_come_by_any_method(
    any_bill: Bill, payer: Payer, anonymous: httpx.AsyncClient, method: str, part: str
) -> None:
    """By each method, in the query or a form: a forged one is refused, the signed one believed, and all are kept."""
    address = f"/gateways/{any_bill.gateway['id']}/webhook"
    forged = await anonymous.request(method, address, **{part: any_bill.confirmation(secret="another")})
    assert (forged.status_code, forged.json()["code"]) == (401, "signature_invalid")
    confirmed = await anonymous.request(method, address, **{part: any_bill.confirmation()})
    assert (confirmed.status_code, confirmed.text) == (200, "OK")
    assert (await payer.payment_in(any_bill.payment["id"], "success"))["amount_captured"] == AMOUNT
    assert await kept(payer, any_bill.gateway["id"]) == [
        (method, "unsigned", "refused"),
        (method, "verified", "signalled"),
    ]


@pytest.mark.parametrize("method", [method for method in METHODS if method != "POST"])
async def test_a_method_that_a_gateway_does_not_use_is_kept(
    bill: Bill, payer: Payer, anonymous: httpx.AsyncClient, method: str
) -> None:
    """JSON by any method that no callback fits: 200, so that it is not sent again, kept, and the payment unmoved."""
    address = f"/gateways/{bill.gateway['id']}/webhook"
    answer = await anonymous.request(method, address, json={"about": [bill.fields["BILL"]]})
    assert (answer.status_code, answer.json().get("status")) == (200, "ignored")
    assert [each[0] for each in await kept(payer, bill.gateway["id"])] == [method]
    assert (await payer.payment_in(bill.payment["id"], "requires_action"))["amount_captured"] == 0


async def test_a_look_at_the_address_is_no_message(any_bill: Bill, payer: Payer, anonymous: httpx.AsyncClient) -> None:
    """HEAD says that the address exists, OPTIONS is refused; neither is read, even with a signed confirmation."""
    address = f"/gateways/{any_bill.gateway['id']}/webhook"
    looked = await anonymous.head(address, params=any_bill.confirmation())
    assert (looked.status_code, looked.content) == (200, b"")
    assert (await anonymous.head("/gateways/nobody/webhook")).status_code == 404
    asked = await anonymous.options(address, params=any_bill.confirmation())
    assert (asked.status_code, asked.headers["allow"]) == (405, "DELETE, GET, HEAD, PATCH, POST, PUT")
    assert await kept(payer, any_bill.gateway["id"]) == []
    assert (await payer.payment_in(any_bill.payment["id"], "requires_action"))["amount_captured"] == 0
