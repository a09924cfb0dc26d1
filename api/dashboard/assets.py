"""Serves the built dashboard: files by name, and its one page for every address that a browser may open.

Names under `/assets/` carry a digest of their content, so browsers cache them. Everything else is revalidated.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clearway.security_headers import StrictTransport, add_missing

STATIC: Final = Path(__file__).parent / "static"
INDEX: Final = "index.html"
HASHED: Final = "/assets/"
FOR_GOOD: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Styles may be inline: the dialogs and the toasts add style elements. Scripts may not."""
NOT_BUILT: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Clearway</title></head>
<body><h1>The dashboard is not built</h1>
<p>The API works: <a href="/health">/health</a> answers. Only the pages are missing.</p>
<p>In a checkout, run <code>python web/dashboard/build.py</code> (it needs Node 20.19 or newer), then reload this page.
<code>make dev</code> does the same and gets Node from the package index. A wheel or an image always has the pages.</p>
</body></html>
"""


class Assets:
    """An ASGI application for GET and HEAD of the files in a folder."""

    def __init__(self, transport: StrictTransport, folder: Path = STATIC) -> None:
        self._transport = transport
        self._folder = folder
        self._files = StaticFiles(directory=folder, check_dir=False)
        self._compressed: ASGIApp = GZipMiddleware(self._answer, minimum_size=1_000)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, compressed where the browser takes it, with our headers."""
        path: str = scope["path"]

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                good = message["status"] in {200, 304} and path.startswith(HASHED)
                headers["cache-control"] = FOR_GOOD if good else ASK_AGAIN
                headers["content-security-policy"] = PAGE_POLICY
                headers["cross-origin-opener-policy"] = "same-origin"
                add_missing(headers)
                self._transport.add(scope, headers)
            await send(message)

        await self._compressed(scope, receive, with_headers)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self._response(scope))(scope, receive, send)

    async def _response(self, scope: Scope) -> Response:
        if scope["method"] not in {"GET", "HEAD"}:
            return PlainTextResponse("Method not allowed", status_code=405, headers={"Allow": "GET, HEAD"})
        if not (self._folder / INDEX).is_file():
            return HTMLResponse(NOT_BUILT, status_code=503)
        name = self._files.get_path(scope)
        try:
            if name not in {".", "manifest.json", "built-from.txt"}:
                return await self._files.get_response(name, scope)
        except HTTPException as error:
            if error.status_code != 404 or _names_a_file(scope["path"]):  # noqa: PLR2004 - not found
                return PlainTextResponse("Not found", status_code=404)
        return await self._files.get_response(INDEX, scope)


def _names_a_file(path: str) -> bool:
    """Tell whether a path means a file rather than a page: pages have no dot in their last part."""
    return path.startswith(HASHED) or "." in path.rpartition("/")[2]
