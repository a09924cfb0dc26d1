"""The ids that documents have for examples, such as `pay_01k9w2e3…`: in the place of each, a thing of the stack."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
from standardwebhooks import Webhook

from clearway.domain.ids import new_id
from clearway.settings import DEVELOPMENT_SIMULATOR_SECRET
from tests.stack.documents.blocks import ROOT
from tests.support.warm_cli import WarmCli

LIMIT_S: Final = 600.0
EXAMPLE: Final = re.compile(r"\b([a-z]+)_01k9w2e3r4t5y6q7w8e9r0t1y([234])\b")
"""Several of a kind: the second payment has succeeded, the others wait for an operator."""


@dataclass(frozen=True)
class Desk:
    """The published test merchant of a stack: its API, and the command line."""

    http: httpx.AsyncClient
    environment: Mapping[str, str]
    warm: WarmCli

    async def clearway(self, *arguments: str) -> Any:
        """Run a command and return the JSON it prints."""
        code, output, problem = await self.warm.run((*arguments, "--json"), folder=ROOT, environment=self.environment)
        assert code == 0, (arguments, problem)
        return json.loads(output)

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a request that must succeed."""
        answer = await self.http.post(path, json=body)
        assert answer.is_success, answer.text
        return dict(answer.json())

    async def triggered(self, event: str) -> str:
        """Make an event happen, and return the id of what it is about."""
        return str((await self.clearway("trigger", event))["subject"]["id"])

    async def simulator(self) -> str:
        """Return the oldest gateway, which is the simulator."""
        return str((await self.http.get("/gateways", params={"limit": 100})).json()["data"][-1]["id"])


async def text_with(text: str, desk: Desk) -> str:
    """Return the text with a thing of the stack in the place of every example."""
    found = {match[0]: match[1] + match[2] for match in EXAMPLE.finditer(text)}
    for written, kind in found.items():
        text = text.replace(written, await MADE[kind](desk))
    return text


async def _delivery(desk: Desk) -> str:
    return str((await desk.clearway("webhooks", "list", "--limit", "1"))[0]["id"])


async def _review(desk: Desk) -> str:
    """Have the gateway say that a payment succeeded, which has failed."""
    payment_id = await desk.triggered("payment.failed")
    said = {"object": "operation", "id": "sim_pay_1", "type": "payment", "idempotency_key": f"{payment_id}:authorise:1"}
    said |= {"status": "captured", "amount": 50_000, "currency": "INR"}
    event = {"id": new_id("sim_evt"), "occurred_at": datetime.now(UTC).isoformat(), "data": said}
    body, at = json.dumps(event), datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": str(event["id"]),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(DEVELOPMENT_SIMULATOR_SECRET).sign(str(event["id"]), at, body),
    }
    answer = await desk.http.post(f"/gateways/{await desk.simulator()}/webhook", content=body, headers=headers)
    assert answer.is_success, answer.text
    give_up_at = time.monotonic() + LIMIT_S
    while time.monotonic() < give_up_at:
        for review in await desk.clearway("reviews", "list"):
            if review["subject_id"] == payment_id:
                return str(review["id"])
        await asyncio.sleep(0.2)
    raise AssertionError("no review was opened")


async def _difference(desk: Desk) -> str:
    """Import a line of the bank account that no payout explains, and compare."""
    gateway_id, now = await desk.simulator(), datetime.now(UTC)
    line = f"Day,Amount,Currency,Text\n{now - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ},12.50,USD,a transfer {now}\n"
    columns = {"date": "Day", "gross": "Amount", "currency": "Currency", "source": "Text"}
    body = {"gateway_id": gateway_id, "target": "bank_lines", "columns": columns, "content": line}
    await desk.post("/reconciliations/imports", body)
    period = ("--since", f"{now - timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}", "--until", f"{now:%Y-%m-%dT%H:%M:%SZ}")
    await desk.clearway("reconcile", "run", gateway_id, *period)
    items = await desk.clearway("reconcile", "items", "--kind", "unmatched_bank_line")
    return str(items[0]["id"])


async def _gateway(desk: Desk) -> str:
    """Connect a gateway, so that its health is checked at once by a schedule of its own."""
    return str((await desk.post("/gateways", {"kind": "simulator", "name": "Documents", "priority": 900}))["id"])


async def _merchant(desk: Desk) -> str:
    return str((await desk.clearway("merchants", "add", "Documents", "--operator", "ana"))["live"]["merchant_id"])


async def _key(desk: Desk) -> str:
    return str((await desk.clearway("merchants", "add", "Documents", "--operator", "ana"))["live"]["api_key"])


MADE: Final[Mapping[str, Callable[[Desk], Awaitable[str]]]] = {
    "pay2": lambda desk: desk.triggered("payment.needs_review"),
    "pay3": lambda desk: desk.triggered("payment.success"),
    "pay4": lambda desk: desk.triggered("payment.needs_review"),
    "rfnd2": lambda desk: desk.triggered("refund.needs_review"),
    "rfnd3": lambda desk: desk.triggered("refund.needs_review"),
    "gw2": Desk.simulator,
    "gw3": _gateway,
    "dlv2": _delivery,
    "rev2": _review,
    "rci2": _difference,
    "mer2": _merchant,
    "key2": _key,
}
