"""Forwarding of events: where to, with which secret, signed so that merchants' own code accepts it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import typer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clearway.cli.api_problems import ApiAwayError
from clearway.cli.listen import SECRET_FILE, Listener, Target, Voice, stable_secret, target_url
from clearway.cli.merchant_api import MerchantApi
from clearway.cli.problems import CommandError
from clearway.sample_merchant.receiver import verify_plain, verify_standard
from tests.services.gateways.running import free_listener, serving
from tests.stack.cli.command import Cli


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("3000", "http://localhost:3000"),
        ("3000/hooks", "http://localhost:3000/hooks"),
        ("localhost:3000/hooks", "http://localhost:3000/hooks"),
        ("127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("https://shop.example/hooks", "https://shop.example/hooks"),
    ],
)
def test_targets_may_be_typed_short(typed: str, url: str) -> None:
    """People forward to a port of their own machine most of the time."""
    assert target_url(typed) == url


@pytest.mark.parametrize("typed", ["", "ftp://127.0.0.1", "http://", "http://host:port/", "99999"])
def test_what_is_no_address_is_refused(typed: str) -> None:
    """An invalid target is refused before anything is listened to."""
    with pytest.raises(typer.BadParameter):
        target_url(typed)


async def test_the_secret_stays_the_same_and_is_its_owners(cli: Cli) -> None:
    """A merchant's program is given the secret once; nobody else on the machine reads it."""
    first, second = [(await cli("listen", "--print-secret")).out.strip() for _ in range(2)]
    assert first == second
    assert first.startswith("whsec_")
    file = Path(cli.environment["CLEARWAY_STATE_DIR"]) / SECRET_FILE
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_state_folder_that_can_not_be_written_is_one_line(tmp_path: Path) -> None:
    """The line names the file and the variable."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CommandError, match="CLEARWAY_STATE_DIR"):
        stable_secret(tmp_path / "file")


async def test_a_forwarded_event_carries_both_signatures(tmp_path: Path) -> None:
    """The plain HMAC and the Standard Webhooks headers verify as on a real delivery, and redirects are not followed."""
    secret = stable_secret(tmp_path)
    verdicts = []

    async def receive(request: Request) -> Response:
        body = await request.body()
        plain = verify_plain(secret, body, request.headers["x-webhook-signature"])
        verdicts.append((plain, verify_standard(secret, body, request.headers)))
        return Response(status_code=307, headers={"location": "/elsewhere"})

    listener, url = free_listener()
    async with serving(Starlette(routes=[Route("/hooks", receive, methods=["POST"])]), listener):
        with Target(f"{url}/hooks", secret, skip_verify=False) as target:
            answer = await asyncio.to_thread(target.send, "evt_1", b'{"id":"evt_1","amount":1}')
    assert verdicts == [(True, True)]
    assert (answer.status, answer.accepted) == (307, False)


class Api:
    """An API with one new event, which is away when it is asked for the event's bytes the first time."""

    def __init__(self) -> None:
        self.asked = 0

    def pages(self, _path: str) -> Iterator[list[dict[str, Any]]]:
        """Yield the one page."""
        yield [{"id": "evt_1", "type": "payment.created", "timestamp": "2026-01-01T00:00:00Z", "data": {"id": "pay_1"}}]

    def get_bytes(self, _path: str) -> bytes:
        """Answer from the second time on."""
        self.asked += 1
        if self.asked == 1:
            raise ApiAwayError("away")
        return b"{}"


def test_an_event_whose_reading_fails_is_handled_later(capsys: pytest.CaptureFixture[str]) -> None:
    """An API that goes away between the list and the event costs nothing but time."""
    api = cast("MerchantApi", Api())
    listener = Listener(api, ("*",), None, Voice(as_json=True, print_events=False))
    with pytest.raises(ApiAwayError):
        listener.look()
    listener.look()
    listener.look()
    assert listener.counts.events == 1
    assert capsys.readouterr().out.count("evt_1") == 1


def test_a_target_that_is_away_is_an_answer_too() -> None:
    """Listening goes on when the program it forwards to is down or refuses."""
    with Target("http://127.0.0.1:1", "whsec_AAAA", skip_verify=True) as target:
        answer = target.send("evt_1", b"{}")
    assert answer.status is None
    assert answer.error
