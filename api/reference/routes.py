"""`/docs` and `/`: for people who have just found this server, and for programs that ask what it is."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from fastapi.staticfiles import StaticFiles
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from api.http.routing import RootRouter
from api.reference.page import ASSETS, CONTENT_SECURITY_POLICY, reference_page
from clearway.domain.api import API_PREFIX
from clearway.settings import TEST_API_KEY, TEST_API_SECRET, Settings

DOCS: Final = "/docs"
DOCUMENT: Final = "/openapi.json"

router = RootRouter()
docs = RootRouter()
assets = StaticFiles(directory=ASSETS)


@docs.get(DOCS, include_in_schema=False)
async def show_reference(request: Request) -> HTMLResponse:
    """Show the reference of the API, to read and to try."""
    settings: Settings = request.app.state.settings
    credentials = None if settings.is_production else (TEST_API_KEY, TEST_API_SECRET)
    return HTMLResponse(
        reference_page(DOCUMENT, credentials), headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    )


@router.get("/", include_in_schema=False)
async def show_index(request: Request) -> Response:
    """Lead people to the reference where it is served; say to programs what is here."""
    settings: Settings = request.app.state.settings
    vary = {"Vary": "Accept"}
    if settings.serves_docs and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(DOCS, headers=vary)
    body = {
        "name": request.app.title,
        "version": request.app.version,
        "api": API_PREFIX,
        **({"reference": DOCS, "openapi": DOCUMENT} if settings.serves_docs else {}),
        "ready": "/ready",
        **({} if settings.is_production else {"test_merchant": f"{API_PREFIX}/test/merchant"}),
    }
    return JSONResponse(body, headers=vary)
