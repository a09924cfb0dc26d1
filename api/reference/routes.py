"""`/docs` and `/`: for people who have just found this server, and for programs that ask what it is."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from fastapi.staticfiles import StaticFiles
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from api.http.routing import Router
from api.reference.page import ASSETS, CONTENT_SECURITY_POLICY, reference_page
from clearway.settings import TEST_API_KEY, TEST_API_SECRET, Settings

DOCS: Final = "/docs"
DOCUMENT: Final = "/openapi.json"

router = Router()
docs = Router()
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
        "api": "/api/v1",
        **({"reference": DOCS, "openapi": DOCUMENT} if settings.serves_docs else {}),
        "ready": "/ready",
        **({} if settings.is_production else {"test_merchant": "/api/v1/test/merchant"}),
    }
    return JSONResponse(body, headers=vary)
