"""FastShift's webhook: unsigned JSON with the status and the number of the order, to the URL that came with it."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from clearway.simulator.facades.hosted.books import Books
from clearway.simulator.facades.hosted.callbacks import DECIDED, NOWHERE
from clearway.simulator.outbox import Channel, Notice, Webhook
from clearway.simulator.records import Operation, Payment, Status


@dataclass(frozen=True)
class FastShiftChannel(Channel):
    """Reports decided orders."""

    books: Books

    def notices(self, operation: Operation, _payment: Payment, _at: float) -> list[Notice]:
        """Return the webhook of an order, if it has a URL for it."""
        order = self.books.of_operation(operation.key)
        if order is None or operation.status not in DECIDED or not order.document["webhook_url"]:
            return []
        status = "rejected" if operation.status is Status.DECLINED else "completed"
        body = json.dumps({"status": status, "order_number": order.document["number"]})
        return [Notice(f"{order.id}:{secrets.token_hex(4)}", status, body, order.id)]

    def address(self, webhook: Webhook) -> str:
        """Return the URL of the order."""
        order = self.books.order(webhook.receiver)
        return str(order.document["webhook_url"]) if order else NOWHERE

    def headers(self, _webhook: Webhook, _at: float) -> dict[str, str]:
        """Return the content type: nothing is signed."""
        return {"content-type": "application/json"}
