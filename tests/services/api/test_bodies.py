"""Request bodies: one parser with one limit of depth, no field twice, no text that cannot be stored, one meaning."""

from __future__ import annotations

import gzip
import json

import pytest

from api.http.json_body import DEPTH_MAX
from tests.services.api.conftest import Caller
from tests.services.api.test_errors import JSON, problem_of


def nested(depth: int, bracket: str = "[") -> bytes:
    """Return an order whose notes are nested this deep in all."""
    inner = "[" * (depth - 1) + "]" * (depth - 1) if bracket == "[" else '{"a":' * (depth - 1) + "1" + "}" * (depth - 1)
    return b'{"amount": 1, "currency": "INR", "notes": ' + inner.encode() + b"}"


@pytest.mark.parametrize("key", [None, "a-key"])
@pytest.mark.parametrize("bracket", ["[", "{"])
@pytest.mark.parametrize("depth", [DEPTH_MAX + 1, 254, 255, 600, 900, 1_023, 5_000, 30_000])
async def test_deep_nesting_is_refused(caller: Caller, depth: int, bracket: str, key: str | None) -> None:
    """However deep a field is nested, the answer is a 400 that says the limit, with and without a key."""
    headers = JSON | ({"Idempotency-Key": key} if key else {})
    body = nested(depth, bracket)[: 60 * 1024]
    problem = problem_of(await caller.http.post("/orders", content=body, headers=headers))
    assert problem.code == "malformed_json"
    assert str(DEPTH_MAX) in problem.detail


async def test_brackets_in_texts_are_not_nesting(caller: Caller) -> None:
    """Only real nesting counts; a text full of brackets and quotes is a text."""
    receipt = ('["{' * 20 + "\\")[:64]
    made = await caller.http.post("/orders", json={"amount": 1, "currency": "INR", "receipt": receipt})
    assert made.status_code == 201, made.text
    assert made.json()["receipt"] == receipt


async def test_depth_up_to_the_limit_is_judged_by_field(caller: Caller) -> None:
    """What is nested within the limit is refused by the field that does not take it."""
    problem = problem_of(await caller.http.post("/orders", content=nested(DEPTH_MAX), headers=JSON))
    assert problem.code == "validation_error"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"amount": 1, "currency": "INR", "amount": 2}', "amount"),
        (b'{"amount": 1, "currency": "INR", "amount": 1}', "amount"),
        (b'{"amount": 1, "currency": "INR", "notes": {"a": "1", "\\u0061": "2"}}', "a"),
        (b'{"amount": 1, "currency": "INR", "\\ud800": 1, "\\ud800": 2}', "ud800"),
    ],
)
async def test_a_field_given_twice_is_refused(caller: Caller, body: bytes, named: str) -> None:
    """A field that comes twice is a 400 that names the field, and no order is created."""
    problem = problem_of(await caller.http.post("/orders", content=body, headers=JSON))
    assert problem.code == "malformed_json"
    assert named in problem.detail
    assert (await caller.http.get("/orders")).json()["data"] == []


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
async def test_what_json_does_not_know_as_a_number_is_refused(caller: Caller, number: bytes) -> None:
    """NaN and the infinities are no JSON (RFC 8259, section 6)."""
    body = b'{"currency": "INR", "amount": ' + number + b"}"
    assert problem_of(await caller.http.post("/orders", content=body, headers=JSON)).code == "malformed_json"


@pytest.mark.parametrize("number", [b"1e999", b"1" + b"0" * 40, b"-1"])
async def test_numbers_out_of_bounds_are_refused_by_field(caller: Caller, number: bytes) -> None:
    """A number too large for any field is a 422, with a key too."""
    body = b'{"currency": "INR", "amount": ' + number + b"}"
    headers = JSON | {"Idempotency-Key": "k"}
    assert problem_of(await caller.http.post("/orders", content=body, headers=headers)).code == "validation_error"


@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP", "gzip, identity"])
async def test_a_compressed_body_is_a_415_that_says_what_is_accepted(caller: Caller, coding: str) -> None:
    """RFC 9110, section 15.5.16: the answer names the codings that are accepted, which is none."""
    content = gzip.compress(b'{"amount": 1, "currency": "INR"}')
    refused = await caller.http.post("/orders", content=content, headers=JSON | {"Content-Encoding": coding})
    problem = problem_of(refused)
    assert (problem.code, problem.status) == ("unsupported_media_type", 415)
    assert refused.headers["accept-encoding"] == "identity"
    assert "compress" in problem.detail


async def test_a_media_type_that_is_not_json_says_what_is_accepted(caller: Caller) -> None:
    """The answer to a form names application/json in Accept; +json and parameters are JSON."""
    refused = await caller.http.post("/orders", data={"amount": "1"})
    assert (refused.status_code, refused.headers["accept"]) == (415, "application/json")
    body = b'{"amount": 1, "currency": "INR"}'
    for media_type in ("application/json; charset=utf-8", "application/problem+json", "APPLICATION/JSON"):
        made = await caller.http.post("/orders", content=body, headers={"Content-Type": media_type})
        assert made.status_code == 201, media_type
    identity = JSON | {"Content-Encoding": "identity"}
    assert (await caller.http.post("/orders", content=body, headers=identity)).status_code == 201


HOSTILE = ["\x00", "a\x00b", "\ud800", "x\udfffy", "\ud800" * 30, "\ufffe", "\u202e", "\uff14" * 16, "a" * 60_000, " "]
SAME_SCHEMA_MAX = 2
"""How often a schema that contains itself, such as a routing rule, is entered on the way to one text."""


def _strings(document: dict, schema: dict, place: tuple = (), within: tuple = ()) -> list[tuple]:
    """Return the place of every text a schema can take; `*` stands for a name that the client chooses."""
    while "$ref" in schema:
        if within.count(schema["$ref"]) == SAME_SCHEMA_MAX:
            return []
        within = (*within, schema["$ref"])
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    found = []
    for part in (*schema.get("anyOf", ()), *schema.get("allOf", ()), *schema.get("oneOf", ())):
        found += _strings(document, part, place, within)
    if schema.get("type") == "string":
        found.append(place)
    for name, inner in schema.get("properties", {}).items():
        found += _strings(document, inner, (*place, name), within)
    if isinstance(schema.get("additionalProperties"), dict):
        found += _strings(document, schema["additionalProperties"], (*place, "*"), within)
    if "items" in schema:
        found += _strings(document, schema["items"], (*place, 0), within)
    return found


def _with(place: tuple, value: object, beside: dict) -> object:
    """Return a body that has the value at the place and sound values beside it."""
    if not place:
        return value
    name, *rest = place
    if name == 0:
        return [_with(tuple(rest), value, {})]
    inner = beside.get(name) if isinstance(beside.get(name), dict) else {}
    return {**beside, name: _with(tuple(rest), value, inner)}


SOUND = {
    "/api/v1/orders": {"amount": 1, "currency": "INR"},
    "/api/v1/payments": {"order_id": "order_00000000000000000000000000", "method": "upi"},
    "/api/v1/payments/public": {"order_id": "order_00000000000000000000000000", "method": "upi"},
    "/api/v1/webhook_endpoints": {"url": "http://127.0.0.1:9/x"},
}
CARD = {"number": "4242424242424242", "expiry_month": 12, "expiry_year": 2031, "cvv": "123"}


async def test_no_text_of_any_request_breaks_anything(caller: Caller) -> None:
    """Every text field of every request, filled with what no database stores, is a 4xx or a 2xx and never a 5xx."""
    document = (await caller.http.get("http://api.test/openapi.json")).json()
    tried = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is None or "gateways" in path:
                continue
            for place in _strings(document, content["schema"]):
                tried.add((path, ".".join(map(str, place))))
                for value in HOSTILE:
                    beside = SOUND.get(path, {})
                    if place[0] == "card":
                        beside = beside | {"method": "card", "card": CARD}
                    body = _with(place, value, beside)
                    url = path.replace("{payment_id}", "pay_00000000000000000000000000")
                    url = url.replace("{endpoint_id}", "whe_00000000000000000000000000")
                    response = await caller.http.request(
                        method,
                        f"http://api.test{url}",
                        content=json.dumps(body),
                        headers=JSON | {"Idempotency-Key": "k"} if method == "post" else JSON,
                    )
                    assert response.status_code < 500, (path, place, value[:10], response.text)
                    if value in HOSTILE[:5]:
                        assert response.status_code == 422, (path, place, value, response.text)
                        assert any(error["field"].startswith(str(place[0])) for error in response.json()["errors"]), (
                            response.text
                        )
    assert ("/api/v1/payments", "card.cvv") in tried
    assert ("/api/v1/payments/public", "card.number") in tried
    assert ("/api/v1/orders", "notes.*") in tried
    assert ("/api/v1/webhook_endpoints/{endpoint_id}", "url") in tried


@pytest.mark.parametrize("name", ["\x00", "\ud800", "a\udc00"])
async def test_names_of_fields_are_texts_too(caller: Caller, name: str) -> None:
    """A field whose name cannot be stored is refused, at the top and inside notes."""
    for body in ({name: 1}, {"notes": {name: "x"}}, {"notes": {name: {name: [name]}}}):
        response = await caller.http.post(
            "/orders", content=json.dumps({"amount": 1, "currency": "INR"} | body), headers=JSON
        )
        assert problem_of(response).status == 422


@pytest.mark.parametrize(
    "number", ["\uff14\uff12" * 8, "4242 4242 4242 424\u0662", "4242_4242_4242_4242", "424242424242\x01"]
)
async def test_a_card_number_is_written_in_ascii_digits(caller: Caller, number: str) -> None:
    """Full-width digits and other signs are no card number: a 422 on `card.number`, before any gateway is asked."""
    body = {"order_id": "order_00000000000000000000000000", "method": "card", "card": CARD | {"number": number}}
    problem = problem_of(await caller.http.post("/payments", content=json.dumps(body), headers=JSON))
    assert problem.errors is not None
    assert [error.field for error in problem.errors] == ["card.number"]
    assert number not in problem.detail


@pytest.mark.parametrize("cvv", ["\u0661\u0662\u0663", "12a", "12 "])
async def test_a_security_code_is_written_in_ascii_digits(caller: Caller, cvv: str) -> None:
    """A security code is three or four ASCII digits."""
    body = {"order_id": "order_00000000000000000000000000", "method": "card", "card": CARD | {"cvv": cvv}}
    problem = problem_of(await caller.http.post("/payments", content=json.dumps(body), headers=JSON))
    assert problem.errors is not None
    assert [error.field for error in problem.errors] == ["card.cvv"]
