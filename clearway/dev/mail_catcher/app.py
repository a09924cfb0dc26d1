"""The mail catcher's page and its JSON: list, read and delete mails. `inbox` has the mails, `smtp_server` gets them.

The HTML of a mail is shown in a sandboxed frame, under a policy that runs no script and loads nothing: mails have text
of strangers. A click on a link opens a new tab.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Literal

from fastapi import FastAPI, HTTPException, Response
from fastapi.responses import FileResponse, HTMLResponse

from clearway.dev.mail_catcher.inbox import Inbox
from clearway.dev.mail_catcher.smtp_server import serving
from clearway.security_headers import SecurityHeaders

PAGE_DIR: Final = Path(__file__).with_name("page")
PAGE_POLICY: Final = (
    "default-src 'self'; img-src data:; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
MAIL_POLICY: Final = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
NEW_TAB: Final = '<base target="_blank">'
"""A link in a sandboxed frame would replace the mail. `base-uri` forbids another address, not this."""


def create_app(smtp_port: int) -> FastAPI:
    """Return the service, with an empty inbox. It takes mail on `smtp_port` while it runs."""
    inbox = Inbox()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with serving(inbox, smtp_port):
            yield

    app = FastAPI(title="Mail catcher", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.add_middleware(SecurityHeaders)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/api/mails")
    async def mails(to: str | None = None) -> dict[str, list[dict[str, Any]]]:
        return {"items": [asdict(mail) for mail in inbox.newest(to)]}

    @app.get("/api/mails/{mail_id}")
    async def mail(mail_id: int) -> dict[str, Any]:
        return asdict(_found(inbox, mail_id))

    @app.delete("/api/mails", status_code=204)
    async def forget() -> None:
        inbox.forget()

    @app.get("/mails/{mail_id}/html")
    async def html(mail_id: int) -> Response:
        found = _found(inbox, mail_id)
        return HTMLResponse(NEW_TAB + found.html, headers={"Content-Security-Policy": MAIL_POLICY})

    @app.get("/")
    async def page() -> FileResponse:
        return _file("page.html")

    @app.get("/page.{kind}")
    async def part(kind: Literal["css", "js"]) -> FileResponse:
        return _file(f"page.{kind}")

    return app


def _found(inbox: Inbox, mail_id: int) -> Any:
    found = inbox.find(mail_id)
    if found is None:
        raise HTTPException(404, "There is no such mail. The catcher keeps the newest ones, until it stops.")
    return found


def _file(name: str) -> FileResponse:
    return FileResponse(PAGE_DIR / name, headers={"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"})
