"""The webhooks of the simulator's own API: one for every decided operation, in the form of Standard Webhooks."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from typing import Final

from standardwebhooks import Webhook as Signer

from clearway.simulator.outbox import Channel, Notice, Webhook
from clearway.simulator.records import Operation, Payment, iso
from clearway.simulator.wire import operation_body

ACCOUNT: Final = "{account}"
"""The placeholder for a payment's account in the URL of webhooks."""


class OwnChannel(Channel):
    """Makes the webhooks for operations of the simulator's own API, each account at its own address."""

    def __init__(self, public_url: str, webhook_url: str, webhook_secret: str) -> None:
        self._public_url = public_url
        self._url = webhook_url
        self._signer = Signer(webhook_secret)

    def notices(self, operation: Operation, payment: Payment, at: float) -> list[Notice]:
        """Return the webhook about an operation as it is now."""
        event_id, event_type = f"sim_evt_{secrets.token_hex(12)}", f"{operation.kind.value}.{operation.status.value}"
        event = {
            "id": event_id,
            "type": event_type,
            "occurred_at": iso(at),
            "data": operation_body(operation, payment, self._public_url),
        }
        body = json.dumps(event, separators=(",", ":"))
        return [Notice(event_id, event_type, body, receiver=payment.account or "")]

    def address(self, webhook: Webhook) -> str:
        """Return the current URL of the receiver, also for older webhooks."""
        return self._url.replace(ACCOUNT, webhook.receiver)

    def headers(self, webhook: Webhook, at: float) -> dict[str, str]:
        """Sign: the signature carries the time of the attempt, the body that of the event (Standard Webhooks 1.0.0)."""
        moment = dt.datetime.fromtimestamp(int(at), tz=dt.UTC)
        return {
            "content-type": "application/json",
            "webhook-id": webhook.event_id,
            "webhook-timestamp": str(int(at)),
            "webhook-signature": self._signer.sign(webhook.event_id, moment, webhook.body),
        }
