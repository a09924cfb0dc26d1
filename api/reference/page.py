"""The reference page: Swagger UI, served from files of this package, under a policy that lets it talk to us alone.

`assets/` holds swagger-ui-dist 5.35.0 from npm (Apache-2.0, its LICENSE and NOTICE beside it), unchanged but for the
link to a source map, and two small files of Clearway. DEVELOPMENT.md says how to take a newer one.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Final

ASSETS: Final = Path(__file__).parent / "assets"
ASSETS_PATH: Final = "/docs/assets"
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def reference_page(document: str, credentials: tuple[str, str] | None) -> str:
    """Return the page for the OpenAPI document at this path. credentials: the key and secret to fill in, if any."""
    filled_in, note = "", ""
    if credentials is not None:
        key, secret = map(escape, credentials)
        filled_in = f' data-key="{key}" data-secret="{secret}"'
        note = (
            '<p class="key">The key of the test merchant is filled in, so every request can be tried here. '
            "No real money moves.</p>"
        )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Clearway API</title>
<link rel="icon" type="image/png" href="{ASSETS_PATH}/favicon-32x32.png">
<link rel="stylesheet" href="{ASSETS_PATH}/swagger-ui.css">
<link rel="stylesheet" href="{ASSETS_PATH}/page.css">
</head>
<body>
{note}
<div id="swagger-ui" data-document="{escape(document)}"{filled_in}></div>
<noscript>This page needs JavaScript. The document itself is at <a href="{escape(document)}">{escape(document)}</a>.
</noscript>
<script src="{ASSETS_PATH}/swagger-ui-bundle.js"></script>
<script src="{ASSETS_PATH}/initialise.js"></script>
</body>
</html>
"""
