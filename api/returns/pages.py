"""The pages of Clearway that a customer may see on the way to the gateway and back."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Final

from clearway.durable.sealed import PostedForm

DONE_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Thank you</title></head>
<body><h1>Thank you</h1><p>Your answer was received. You can close this page and go back to the shop.</p></body></html>
"""
SUBMIT: Final = "document.forms[0].submit()"
_SCRIPT_HASH: Final = base64.b64encode(hashlib.sha256(SUBMIT.encode()).digest()).decode()
FORM_POLICY: Final = (
    f"default-src 'none'; base-uri 'none'; frame-ancestors 'none'; script-src 'sha256-{_SCRIPT_HASH}'; "
    "form-action https: http:"
)
"""The form may lead to any site: browsers apply the policy to the redirects of banks too."""


def form_page(form: PostedForm) -> str:
    """Return a page that posts a form at once; without scripts, by a button."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in form.fields.items()
    )
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Payment</title></head>
<body><form method="post" action="{escape(form.url)}" accept-charset="utf-8">{fields}
<p>You are sent to the payment page.</p><button type="submit">Continue</button></form>
<script>{SUBMIT}</script></body></html>
"""
