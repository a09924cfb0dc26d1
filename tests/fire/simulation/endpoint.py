"""A merchant's endpoint of a story: it takes a webhook, or does one of the things that endpoints do instead."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, Final

from standardwebhooks import WebhookVerificationError

from tests.support.durable import ENDPOINT_SECRET
from tests.support.receiver import Delivery, Receiver, Reply, listening, verify

PATH: Final = "/webhooks"
ANSWERS: Final = {
    "taken": Reply(200, body=b"ok"),
    "refused": Reply(500),
    "busy": Reply(503, {"retry-after": "30"}),
    "redirected": Reply(302, {"location": "http://169.254.169.254/"}),
    "garbage": Reply(raw=b"\x00\xff 200 is what you would like to read\r\n\r\n"),
    "cut_off": Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nno"),
    "dropped": Reply(raw=b""),
    "gone": Reply(410),
}


@dataclass
class Endpoint(Receiver):
    """The running server. Each story has a path of its own, so that what an earlier one left behind is not its own."""

    address: str = ""

    def behave(self, story: str, answers: Iterable[str]) -> None:
        """Forget what was received, and give these answers from now on; the last for ever."""
        self.forget()
        self.url = f"{self.address}/{story}"
        *self.replies, self.usual = (ANSWERS[answer] for answer in answers)

    def witnessed(self) -> list[dict[str, Any]]:
        """Return every webhook of this story, in the form that the witnesses of a stack have."""
        path = f"{self.url.removeprefix(self.address)}{PATH}"
        return [_told(delivery) for delivery in self.received if delivery.path == path]


@contextlib.asynccontextmanager
async def running_endpoint() -> AsyncIterator[Endpoint]:
    """Run an endpoint on a free port of loopback."""
    endpoint = Endpoint()
    async with listening(endpoint) as address:
        endpoint.address = address
        yield endpoint


def _told(delivery: Delivery) -> dict[str, Any]:
    try:
        verify(delivery, ENDPOINT_SECRET)
    except (WebhookVerificationError, AssertionError):
        signed = False
    else:
        signed = True
    event = delivery.event
    told = {"event_id": event["id"], "type": event["type"], "headers": delivery.headers}
    return {**told, "signature_ok": signed, "standard_ok": signed}
