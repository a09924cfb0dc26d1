"""A customer's return: the gateway is asked at once, and the shop gets a signed answer that it can verify."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
from temporalio.client import Client

from clearway.crypto.returns import return_signature
from clearway.domain.api import API_PREFIX
from clearway.domain.ids import PAYMENT, new_id
from clearway.payments import returning
from clearway.payments.returning import return_url_of
from clearway.settings import Settings
from tests.services.api.conftest import PATIENCE_S, Payer
from tests.services.gateways.running import Simulator

SHOP = "https://shop.example/back?cart=7&status=forged#end"
API_MD = Path(__file__).parents[3] / "docs" / "api.md"


@pytest.fixture
def patient_return(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a customer wait as long as a slow machine takes to have the payment decided."""
    for wait in ("ASK_TIMEOUT", "WAIT"):
        monkeypatch.setattr(returning, wait, timedelta(seconds=PATIENCE_S))


async def waiting(payer: Payer, return_url: str | None = SHOP) -> dict[str, Any]:
    """Create a payment whose customer must act on the simulator's page."""
    fields = {} if return_url is None else {"return_url": return_url}
    return await payer.payment(vpa="approve@clearway", until="requires_action", **fields)


async def press(simulator: Simulator, payment: dict[str, Any], button: str) -> str:
    """Press a button of the page and return the URL that the customer is sent to, as a path of the API."""
    pressed = await simulator.http.post(f"{payment['next_action']['url']}/{button}")
    assert pressed.status_code == 303
    url = urlsplit(pressed.headers["location"])
    assert url.path == f"{API_PREFIX}/payments/{payment['id']}/return"
    return f"{url.path.removeprefix(API_PREFIX)}?{url.query}"


def verifier() -> Any:
    """Return the function `verify_return` as the documentation has it."""
    chapter = API_MD.read_text(encoding="utf-8").partition("## Returning customers")[2]
    code = re.findall(r"```python\n(.*?)```", chapter, re.DOTALL)[0]
    found: dict[str, Any] = {}
    exec(code, found)  # noqa: S102 - the documentation's own code
    return found["verify_return"]


@pytest.mark.usefixtures("patient_return")
@pytest.mark.parametrize(("button", "status"), [("complete", "success"), ("fail", "failed"), ("cancel", "failed")])
async def test_a_returning_customer_finds_the_payment_decided(
    payer: Payer, anonymous: httpx.AsyncClient, api_simulator: Simulator, button: str, status: str
) -> None:
    """The redirect goes to the payment's own URL with the status it has now, signed; a merchant reads the same."""
    payment = await waiting(payer)
    back = await press(api_simulator, payment, button)
    sent_on = await anonymous.get(back)
    assert sent_on.status_code == 303
    url = urlsplit(sent_on.headers["location"])
    assert (url.scheme, url.netloc, url.path, url.fragment) == ("https", "shop.example", "/back", "end")
    query = parse_qs(url.query)
    assert (query["cart"], query["payment_id"], query["status"]) == (["7"], [payment["id"]], [status])
    assert (await payer.http.get(f"/payments/{payment['id']}")).json()["status"] == status
    secret = (await payer.http.get("/return_secret")).json()["secret"]
    parameters = dict(parse_qsl(url.query))
    verify = verifier()
    assert verify(secret, parameters) is True
    assert verify(secret, parameters | {"status": "authorized"}) is False
    assert verify(secret, parameters | {"timestamp": str(int(time.time()) - 3_600)}) is False
    assert verify("ret_other", parameters) is False
    again = await anonymous.get(back)
    assert parse_qs(urlsplit(again.headers["location"]).query)["status"] == [status]


@pytest.mark.usefixtures("patient_return")
async def test_the_attempt_that_the_customer_paid_is_asked_about(
    payer: Payer, anonymous: httpx.AsyncClient, api_simulator: Simulator, temporal: Client
) -> None:
    """After a retry the gateway is asked about the new attempt, and its answer is not taken for the failed one's."""
    held = await payer.payment(
        vpa="lowfunds@clearway", until="retrying", retries={"scheduled": 0}, return_url=SHOP, capture_method="manual"
    )
    instrument = {"method": "upi", "vpa": "approve@clearway"}
    assert (await payer.http.post(f"/payments/{held['id']}/retry", json={"instrument": instrument})).status_code == 200
    payment = await payer.payment_in(held["id"], "requires_action")
    await api_simulator.switch(operation="webhook", fault="no_webhook", match={"payment_id": held["id"]})
    sent_on = await anonymous.get(await press(api_simulator, payment, "complete"))
    await api_simulator.release()
    assert parse_qs(urlsplit(sent_on.headers["location"]).query)["status"] == ["authorized"]
    timeline = await temporal.get_workflow_handle(f"payment/{held['id']}").query("timeline")
    heard = [entry["what"] for entry in timeline if "gateway event return" in entry["what"]]
    assert heard
    assert not any(f"{held['id']}:authorise:1" in each for each in heard)


async def test_a_customer_who_did_not_finish_comes_back_too(
    payer: Payer, anonymous: httpx.AsyncClient, api_settings: Settings
) -> None:
    """Who comes back without an answer is sent on within the bounded wait, and the payment still waits for them."""
    payment = await waiting(payer)
    started = asyncio.get_running_loop().time()
    sent_on = await anonymous.get(return_url_of(api_settings, payment["id"]).partition(API_PREFIX)[2])
    assert asyncio.get_running_loop().time() - started < 15
    assert parse_qs(urlsplit(sent_on.headers["location"]).query)["status"] == ["requires_action"]
    await payer.http.post(f"/payments/{payment['id']}/cancel")


@pytest.mark.usefixtures("patient_return")
async def test_without_a_return_url_there_is_a_page(
    payer: Payer, anonymous: httpx.AsyncClient, api_simulator: Simulator
) -> None:
    """A payment that names no URL sends its customer nowhere, and still has the gateway asked."""
    payment = await waiting(payer, None)
    shown = await anonymous.get(await press(api_simulator, payment, "complete"))
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert (await payer.http.get(f"/payments/{payment['id']}")).json()["status"] == "success"


async def test_the_way_back_is_open_to_nobody_else(
    payer: Payer, anonymous: httpx.AsyncClient, api_settings: Settings
) -> None:
    """A wrong token and an unknown payment are the same 404, and a URL in the request is not used."""
    payment, other = await waiting(payer), new_id(PAYMENT)
    token = return_url_of(api_settings, other).partition("token=")[2]
    for path in (
        f"/payments/{payment['id']}/return",
        f"/payments/{payment['id']}/return?token=x",
        f"/payments/{payment['id']}/return?token={token}",
        f"/payments/{other}/return?token={token}",
        "/payments/nothing/return?token=é",
    ):
        refused = await anonymous.get(path)
        assert (refused.status_code, refused.json()["code"]) == (404, "payment_not_found")
    own = return_url_of(api_settings, payment["id"]).partition(API_PREFIX)[2]
    sent_on = await anonymous.get(f"{own}&return_url=https://evil.example&added_by=gateway")
    assert sent_on.headers["location"].startswith("https://shop.example/back?")
    await payer.http.post(f"/payments/{payment['id']}/cancel")


@pytest.mark.usefixtures("patient_return")
async def test_a_head_request_asks_no_gateway(
    payer: Payer, anonymous: httpx.AsyncClient, api_simulator: Simulator
) -> None:
    """A HEAD redirects as a GET would, and changes nothing: link checkers and mail scanners send it."""
    payment = await waiting(payer)
    back = await press(api_simulator, payment, "complete")
    looked = await anonymous.head(back)
    assert looked.status_code == 303
    assert parse_qs(urlsplit(looked.headers["location"]).query)["status"] == ["requires_action"]
    assert (await payer.http.get(f"/payments/{payment['id']}")).json()["status"] == "requires_action"
    followed = await anonymous.get(back)
    assert parse_qs(urlsplit(followed.headers["location"]).query)["status"] == ["success"]


async def test_each_merchant_has_a_return_secret_of_their_own(payer: Payer, new_caller: Any) -> None:
    """The secret of one merchant verifies nothing of another's."""
    own = (await payer.http.get("/return_secret")).json()["secret"]
    other = (await (await new_caller()).http.get("/return_secret")).json()["secret"]
    assert own.startswith("ret_")
    assert return_signature(own, "pay_1", "success", 1) != return_signature(other, "pay_1", "success", 1)
