"""A sample merchant: a small shop that receives webhooks, verifies both signatures, and can misbehave on demand.

It is what a merchant would write, so it uses nothing of Clearway: it computes the bare HMAC itself, and the public
package verifies the Standard Webhooks headers. The shop is `shop`; this module has the webhooks.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field
from standardwebhooks import Webhook, WebhookVerificationError

from clearway.sample_merchant.shop import Shop, ShopSettings, add_shop
from clearway.security_headers import SecurityHeaders

DEVELOPMENT_SECRET: Final = "whsec_Y2xlYXJ3YXktcmVjZWl2ZXItZGV2ZWxvcG1lbnQtMDE="  # noqa: S105 - published, for development
"""The secret of the endpoint that the seed registers for the test merchant."""
WEBHOOK_PATH: Final = "/webhooks"
KEPT: Final = 200
SECRETS_MAX: Final = 16
PAGE_DIR: Final = Path(__file__).with_name("page")
PAGE_POLICY: Final = "default-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HANG_S: Final = 120.0


class Behaviour(BaseModel):
    """How to answer the next webhooks; `times` None means from now on."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["ok", "fail", "hang"] = "ok"
    status: int = Field(default=500, ge=200, le=599)
    """The answer in mode `fail`."""
    times: int | None = Field(default=None, ge=1)


class EndpointSecret(BaseModel):
    """The secret of one more endpoint that sends here: what the API answered when it was registered."""

    model_config = ConfigDict(extra="ignore")

    secret: str = Field(pattern=r"^whsec_[A-Za-z0-9+/]{32,}={0,2}$", max_length=200)


@dataclass(frozen=True)
class Received:
    """One attempt as it arrived."""

    at: str
    event_id: str
    type: str
    signature_ok: bool
    standard_ok: bool
    answered: int
    headers: Mapping[str, str]
    body: Any


class Secrets:
    """The secrets of the endpoints that send here: that of the seed, and those that `/secrets` got, newest first.

    With a file they outlive a restart, as the endpoints do: without them every webhook would be refused.
    """

    def __init__(self, seeded: str, kept_in: Path | None) -> None:
        self._seeded = seeded
        self._file = kept_in
        kept = kept_in.read_text().split() if kept_in is not None and kept_in.exists() else []
        self._learned = deque(kept, maxlen=SECRETS_MAX)

    def __iter__(self) -> Iterator[str]:
        """Return all secrets."""
        yield self._seeded
        yield from self._learned

    def learn(self, secret: str) -> None:
        """Keep one more secret, where only the owner of the file reads it."""
        if secret in self:
            return
        self._learned.appendleft(secret)
        if self._file is not None:
            self._file.touch(mode=0o600)
            self._file.write_text("\n".join(self._learned))


@dataclass
class Inbox:
    """What arrived, newest last, and how to answer. The shop gets what was verified and accepted."""

    secrets: Secrets
    shop: Shop
    behaviour: Behaviour = field(default_factory=Behaviour)
    received: deque[Received] = field(default_factory=lambda: deque(maxlen=KEPT))

    def take_behaviour(self) -> Behaviour:
        """The behaviour for this attempt; a counted one runs out."""
        current = self.behaviour
        if current.times is not None:
            left = current.times - 1
            self.behaviour = current.model_copy(update={"times": left}) if left else Behaviour()
        return current


def verify_plain(secret: str, body: bytes, signature: str) -> bool:
    """`X-Webhook-Signature`: hex HMAC-SHA256 of the raw body, keyed with the secret string as it was shown.

    During a rotation there are two, comma separated.
    """
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(expected.encode(), one.encode()) for one in signature.split(","))


def verify_standard(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """The three `webhook-` headers, by the public package."""
    try:
        Webhook(secret).verify(body, dict(headers))
    except (WebhookVerificationError, ValueError):  # ValueError: the body is not JSON
        return False
    return True


def create_app(
    secret: str = DEVELOPMENT_SECRET, *, secrets_file: Path | None = None, settings: ShopSettings | None = None
) -> FastAPI:
    """The service, with an empty inbox. secrets_file: where secrets that it gets later are kept."""
    app = FastAPI(title="Sample merchant", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(SecurityHeaders)
    app.state.shop = shop = Shop(settings or ShopSettings.from_environment())
    inbox = Inbox(Secrets(secret, secrets_file), shop)

    @app.post(WEBHOOK_PATH)
    async def receive(request: Request) -> Response:
        return await _receive(inbox, request)

    @app.get("/received")
    async def received() -> list[dict[str, Any]]:
        return [asdict(item) for item in inbox.received]

    @app.delete("/received", status_code=204)
    async def forget() -> None:
        inbox.received.clear()

    @app.post("/secrets", status_code=204)
    async def learn(endpoint: EndpointSecret) -> None:
        inbox.secrets.learn(endpoint.secret)

    @app.post("/behaviour")
    async def behave(behaviour: Behaviour) -> Behaviour:
        inbox.behaviour = behaviour
        return behaviour

    @app.get("/behaviour")
    async def behaviour() -> Behaviour:
        return inbox.behaviour

    _add_page(app)
    add_shop(app, shop)
    return app


def _add_page(app: FastAPI) -> None:
    """The page of what arrived, and the files of both pages, under a policy that lets them load nothing else."""

    @app.get("/inbox")
    async def page() -> FileResponse:
        return _file("inbox.html")

    @app.get("/{name}.{kind}")
    async def part(name: Literal["inbox", "shop"], kind: Literal["css", "js"]) -> FileResponse:
        return _file(f"{name}.{kind}")


def _file(name: str) -> FileResponse:
    return FileResponse(PAGE_DIR / name, headers={"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"})


async def _receive(inbox: Inbox, request: Request) -> Response:
    body = await request.body()
    headers = {name: value for name, value in request.headers.items() if name.startswith(("webhook-", "x-webhook-"))}
    signature = headers.get("x-webhook-signature", "")
    plain = any(verify_plain(secret, body, signature) for secret in inbox.secrets)
    standard = any(verify_standard(secret, body, headers) for secret in inbox.secrets)
    behaviour = inbox.take_behaviour()
    status = _status(behaviour, verified=plain and standard)
    item = _received(body, headers, (plain, standard), status)
    inbox.received.append(item)
    if httpx.codes.is_success(status) and isinstance(item.body, dict):
        inbox.shop.apply(item.body)
    sys.stdout.write(f"{item.at} {item.type:<28} {item.event_id} {_verdict(item)} -> {status}\n")
    sys.stdout.flush()
    if behaviour.mode == "hang":
        await asyncio.sleep(HANG_S)
    return Response(status_code=status)


def _status(behaviour: Behaviour, *, verified: bool) -> int:
    """Return the status: an unsigned webhook is refused, any other gets the configured answer."""
    if not verified:
        return 400
    return behaviour.status if behaviour.mode == "fail" else 200


def _received(body: bytes, headers: Mapping[str, str], verdicts: tuple[bool, bool], status: int) -> Received:
    try:
        content = json.loads(body)
    except ValueError:
        content = body.decode(errors="replace")
    event = content if isinstance(content, dict) else {}
    return Received(
        at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        event_id=str(event.get("id", "?")),
        type=str(event.get("type", "?")),
        signature_ok=verdicts[0],
        standard_ok=verdicts[1],
        answered=status,
        headers=headers,
        body=content,
    )


def _verdict(item: Received) -> str:
    return "verified" if item.signature_ok and item.standard_ok else "NOT VERIFIED"


def main() -> None:
    """`python -m clearway.sample_merchant.receiver`; the variables RECEIVER_… replace the defaults."""
    secret = os.environ.get("RECEIVER_SECRET", DEVELOPMENT_SECRET)
    file = os.environ.get("RECEIVER_SECRETS_FILE")
    app = create_app(secret, secrets_file=Path(file) if file else None)
    port = int(os.environ.get("RECEIVER_PORT", "4000"))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=2)


if __name__ == "__main__":
    main()
