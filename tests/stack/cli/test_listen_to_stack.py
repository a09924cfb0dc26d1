"""`clearway listen` against a whole stack: each event once, as a webhook that verifies, through restarts."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clearway.dev.stack import Stack
from clearway.sample_merchant.receiver import verify_plain, verify_standard
from tests.services.gateways.running import free_listener, serving
from tests.stack.cli.command import Cli, ended

pytestmark = pytest.mark.stack


@dataclass
class Shop:
    """A merchant's program: verifies what it gets with the secret that `listen` has shown, and answers."""

    url: str = ""
    secret: str = ""
    answer: int = 200
    events: list[dict[str, Any]] = field(default_factory=list)
    verified: list[bool] = field(default_factory=list)

    async def receive(self, request: Request) -> Response:
        """Take one webhook."""
        body = await request.body()
        self.verified.append(
            verify_plain(self.secret, body, request.headers["x-webhook-signature"])
            and verify_standard(self.secret, body, request.headers)
        )
        self.events.append(json.loads(body))
        return Response(status_code=self.answer)


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """Run the merchant's program."""
    shop = Shop()
    listener, url = free_listener()
    shop.url = f"{url}/hooks"
    async with serving(Starlette(routes=[Route("/hooks", shop.receive, methods=["POST"])]), listener):
        yield shop


async def line_of(process: Process) -> dict[str, Any]:
    """The next JSON line."""
    assert process.stdout is not None
    async with asyncio.timeout(60):
        line: dict[str, Any] = json.loads(await process.stdout.readline())
        return line


async def test_events_are_forwarded_as_webhooks_that_verify(at_stack: Cli, shop: Shop) -> None:
    """Only the wanted events, in order, once each, with the status that was answered; Ctrl-C ends with a summary."""
    arguments = ("listen", "--forward-to", shop.url, "--events", "payment.created,payment.fail*", "--json")
    async with at_stack.running(*arguments) as process:
        shop.secret = (await line_of(process))["secret"]
        subject = (await at_stack("trigger", "payment.failed", "--json")).json["subject"]
        lines = [await line_of(process) for _ in range(2)]
        shop.answer = 500
        await at_stack("trigger", "payment.created", "--json")
        lines.append(await line_of(process))
        assert await ended(process) == 0
        summary = (await line_of(process))["summary"]

    assert [line["event"]["type"] for line in lines] == ["payment.created", "payment.failed", "payment.created"]
    assert [line["event"]["data"]["id"] for line in lines[:2]] == [subject["id"]] * 2
    assert [line["forwarded"]["status"] for line in lines] == [200, 200, 500]
    assert [event["id"] for event in shop.events] == [line["event"]["id"] for line in lines]
    assert shop.verified == [True] * 3
    assert summary == {"events": 3, "forwarded": 2, "refused": 1, "unanswered": 0}


async def test_what_happens_while_the_api_is_away_comes_after(at_stack: Cli, stack: Stack, shop: Shop) -> None:
    """A restart of the API is a remark on stderr, and no event is missed or shown twice."""
    arguments = ("listen", "--forward-to", shop.url, "--events", "payment.success", "--json")
    async with at_stack.running(*arguments) as process:
        shop.secret = (await line_of(process))["secret"]
        # The payment takes longer than the API needs to be gone, so its success happens while nobody can ask.
        created = await at_stack("trigger", "payment.created", "--json")
        await stack.stop("api")
        assert process.stderr is not None
        async with asyncio.timeout(60):
            while b"Trying again" not in await process.stderr.readline():
                pass
        await stack.start("api")
        line = await line_of(process)
        later = (await at_stack("trigger", "payment.success", "--json")).json["subject"]
        second = await line_of(process)
        assert await ended(process) == 0
    assert line["event"]["data"]["id"] == created.json["subject"]["id"]
    assert second["event"]["data"]["id"] == later["id"]
    assert shop.verified == [True, True]


async def test_print_json_has_the_events_alone_on_stdout(at_stack: Cli) -> None:
    """Events can be piped into a program; what is for people goes to stderr."""
    async with at_stack.running("listen", "--events", "payment.created", "--print-json") as process:
        assert process.stderr is not None
        async with asyncio.timeout(60):
            while b"Signing secret" not in await process.stderr.readline():
                pass
        subject = (await at_stack("trigger", "payment.created", "--json")).json["subject"]
        event = await line_of(process)
        assert await ended(process) == 0
        assert process.stdout is not None
        assert await process.stdout.read() == b""
    assert (event["type"], event["data"]["id"]) == ("payment.created", subject["id"])
