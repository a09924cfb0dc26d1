"""Webhooks of the stand-in of PayPal: which are sent, how they are signed, and how little the signature proves."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.services.gateways.paypal_account import Account, only
from tests.support.forging import forged
from tests.support.paypal_shapes import assert_is
from tests.support.receiver import Delivery, Receiver


async def webhook(paypal: Account, receiver: Receiver, *types: str) -> str:
    """Register a webhook, as a merchant does in the dashboard; return its id."""
    names = [{"name": name} for name in types or ("*",)]
    made = await paypal.send("POST", "/v1/notifications/webhooks", {"url": receiver.url, "event_types": names})
    assert made.status_code == 201
    assert_is("webhooks", "webhook", made.json())
    return str(made.json()["id"])


async def received(receiver: Receiver, count: int, about: str) -> list[Delivery]:
    """Wait for webhooks about an object, of which each has the shape of PayPal's."""
    found = await receiver.wait_for(count, about)
    for delivery in found:
        assert_is("webhooks", "event", delivery.event)
    return found


def types(deliveries: list[Delivery]) -> list[str]:
    """Return the types of events, sorted."""
    return sorted(delivery.event["event_type"] for delivery in deliveries)


async def test_a_payment_sends_signed_events(paypal: Account, receiver: Receiver) -> None:
    """Each event is signed over the CRC32 of its body, with the key of a certificate that is served."""
    webhook_id = await webhook(paypal, receiver)
    order = await paypal.paid()
    deliveries = await received(receiver, 3, order["id"])
    assert types(deliveries) == ["CHECKOUT.ORDER.APPROVED", "CHECKOUT.ORDER.COMPLETED", "PAYMENT.CAPTURE.COMPLETED"]
    for delivery in deliveries:
        headers = delivery.headers
        served = await paypal.simulator.http.get(headers["paypal-cert-url"])
        key = x509.load_pem_x509_certificate(served.content).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        crc = zlib.crc32(delivery.body)
        text = f"{headers['paypal-transmission-id']}|{headers['paypal-transmission-time']}|{webhook_id}|{crc}"
        signature = _decoded(headers["paypal-transmission-sig"])
        key.verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())


async def test_the_online_check_takes_the_event_as_it_came(paypal: Account, receiver: Receiver) -> None:
    """An event that is spliced in unchanged verifies; one that was written again, or has other headers, does not."""
    webhook_id = await webhook(paypal, receiver, "CHECKOUT.ORDER.APPROVED")
    order = await paypal.approved()
    [delivery] = await received(receiver, 1, order["id"])
    assert await _check(paypal, delivery, webhook_id, delivery.body) == "SUCCESS"
    assert await _check(paypal, delivery, webhook_id, json.dumps(delivery.event, indent=1).encode()) == "FAILURE"
    assert (
        await _check(paypal, delivery, webhook_id, delivery.body, transmission_time="2026-01-01T00:00:00Z") == "FAILURE"
    )


async def test_a_body_of_the_same_crc_passes_the_check(paypal: Account, receiver: Receiver) -> None:
    """A CRC32 is no digest: with one genuine set of headers another body verifies. So a webhook proves nothing."""
    webhook_id = await webhook(paypal, receiver, "CHECKOUT.ORDER.APPROVED")
    order = await paypal.approved()
    [delivery] = await received(receiver, 1, order["id"])
    event = dict(delivery.event, event_type="PAYMENT.CAPTURE.COMPLETED", id="WH-forged")
    body = forged(event, zlib.crc32(delivery.body))
    assert json.loads(body)["id"] == "WH-forged"
    assert await _check(paypal, delivery, webhook_id, body) == "SUCCESS"


async def test_authorizations_captures_voids_and_refunds_send_events(paypal: Account, receiver: Receiver) -> None:
    """Each follow-up sends an event with the object that it made or changed, which carries our invoice id."""
    await webhook(paypal, receiver, "PAYMENT.AUTHORIZATION.CREATED", "PAYMENT.AUTHORIZATION.VOIDED")
    await webhook(paypal, receiver, "PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.REFUNDED")
    order = await paypal.paid("AUTHORIZE")
    authorization = only(order, "authorizations")["id"]
    part = {"amount": {"currency_code": "USD", "value": "3.00"}, "invoice_id": f"{order['id']}-part"}
    path = f"/v2/payments/authorizations/{authorization}"
    capture = (await paypal.send("POST", f"{path}/capture", part, key="c")).json()
    await paypal.send("POST", f"/v2/payments/captures/{capture['id']}/refund", {"invoice_id": order["id"]}, key="r")
    await paypal.send("POST", f"{path}/void")
    deliveries = await received(receiver, 4, order["id"])
    assert types(deliveries) == [
        "PAYMENT.AUTHORIZATION.CREATED",
        "PAYMENT.AUTHORIZATION.VOIDED",
        "PAYMENT.CAPTURE.COMPLETED",
        "PAYMENT.CAPTURE.REFUNDED",
    ]


async def test_faults_of_webhooks_and_repeats(paypal: Account, receiver: Receiver) -> None:
    """A webhook may come twice with one id; one that is refused comes again with the same transmission id."""
    webhook_id = await webhook(paypal, receiver, "PAYMENT.CAPTURE.COMPLETED")
    await paypal.simulator.switch(operation="webhook", fault="duplicate_webhook", times=1)
    first, second = await received(receiver, 2, (await paypal.paid())["id"])
    assert first.event["id"] == second.event["id"]
    receiver.refuse(500)
    refused, again = await received(receiver, 2, (await paypal.paid())["id"])
    ids = {one.headers["paypal-transmission-id"] for one in (refused, again)}
    assert (refused.body, len(ids)) == (again.body, 1)
    listed = (await paypal.send("GET", "/v1/notifications/webhooks-events")).json()["events"]
    assert again.event in listed
    assert (await paypal.send("DELETE", f"/v1/notifications/webhooks/{webhook_id}")).status_code == 204


async def _check(paypal: Account, delivery: Delivery, webhook_id: str, body: bytes, **other: str) -> str:
    """Ask the stand-in whether a webhook is its own, with the event spliced in as it came."""
    names = ("auth_algo", "cert_url", "transmission_id", "transmission_sig", "transmission_time")
    said: dict[str, Any] = {name: delivery.headers["paypal-" + name.replace("_", "-")] for name in names}
    said |= {"webhook_id": webhook_id} | other
    text = json.dumps(said)[:-1].encode() + b', "webhook_event": ' + body + b"}"
    token = (await paypal.token()).json()["access_token"]
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    path = "/paypal/v1/notifications/verify-webhook-signature"
    answer = await paypal.simulator.http.post(path, content=text, headers=headers)
    return str(answer.json()["verification_status"])


def _decoded(signature: str) -> bytes:
    return base64.b64decode(signature)
