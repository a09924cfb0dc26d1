"""`/sdk/<version>/checkout.js`, which never changes, and `/sdk/v1/checkout.js`, the newest of that major version."""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse

FILES: Final = Path(__file__).parent
SHARED: Final = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
"""Shops load it from their own pages. A browser compares the digest only when CORS allows it to read the script."""
IMMUTABLE: Final = "public, max-age=31536000, immutable"
SHORT: Final = "public, max-age=300"

router = APIRouter(tags=["sdk"])


@cache
def versions() -> dict[str, Any]:
    """Return `versions.json`: the digest of each version, and the newest of each major version."""
    known: dict[str, Any] = json.loads((FILES / "versions.json").read_text("utf-8"))
    return known


@router.get("/sdk/versions.json")
async def get_versions() -> FileResponse:
    """Serve the published digests (Subresource Integrity)."""
    return FileResponse(FILES / "versions.json", headers={**SHARED, "Cache-Control": SHORT})


@router.get("/sdk/{version}/checkout.js")
async def get_script(version: str) -> FileResponse:
    """Serve the SDK in one version, or in the newest of a major version."""
    known = versions()
    exact = known["latest"].get(version, version)
    if exact not in known["versions"]:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"There is no version {version} of the SDK: see /sdk/versions.json.")
    return FileResponse(
        FILES / exact / "checkout.js",
        media_type="text/javascript; charset=utf-8",
        headers={**SHARED, "Cache-Control": IMMUTABLE if exact == version else SHORT},
    )
