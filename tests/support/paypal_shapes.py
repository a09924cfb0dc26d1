"""Whether a body is one of PayPal's, by the schemas of its own OpenAPI documents (`scripts/paypal_schemas.py`)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator

_FILE = Path(__file__).with_name("paypal_schemas.json")
_OK = 400


def assert_shape(path: str, response: httpx.Response) -> None:
    """Fail unless an answer is as PayPal's documents have it, by the path that was asked."""
    if path.startswith("/v1/reporting/") and response.status_code < _OK and response.json()["transaction_details"]:
        assert_is("reporting", "search_response", response.json())
    if response.status_code == httpx.codes.NO_CONTENT or not path.startswith("/v2/"):
        return
    body = response.json()
    family = "orders" if path.startswith("/v2/checkout") else "payments"
    if response.status_code >= _OK:
        name = f"error_{response.status_code}"
        if name in _document()[family]:  # 429 and 504 are in none of the documents.
            assert_is(family, name, body)
        return
    assert_is(family, _name(path), body)


def assert_is(family: str, name: str, body: Any) -> None:
    """Fail unless a body is valid by a schema of a document: `orders`, `payments`, `reporting` or `webhooks`."""
    problems = [f"{error.json_path}: {error.message[:200]}" for error in _validator(family, name).iter_errors(body)]
    assert not problems, problems


def _name(path: str) -> str:
    if path.startswith("/v2/checkout"):
        return "order"
    if "/refund" in path:
        return "refund"
    made_by_authorization = path.startswith("/v2/payments/authorizations") and path.endswith("/capture")
    return "capture-2" if "/captures/" in path or made_by_authorization else "authorization-2"


@cache
def _validator(family: str, name: str) -> Draft202012Validator:
    document = _document()
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": document[family]})


@cache
def _document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_FILE.read_text())
    return found
