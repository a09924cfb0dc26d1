"""Documents that are refused when they are saved: each test breaks a right document in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.custom_documents import calls, form, wrong_with

Break = Callable[[dict[str, Any]], Any]


async def test_right_documents_are_accepted() -> None:
    """Both documents of these tests are right, so that one change is what a test below sees."""
    assert await wrong_with(calls()) == []
    assert await wrong_with(form()) == []


def _set(path: str, value: Any) -> Break:
    """Return a function that sets one place of a document; a number in the path is an index."""

    def change(document: dict[str, Any]) -> None:
        *steps, last = [int(step) if step.isdecimal() else step for step in path.split("/")]
        place: Any = document
        for step in steps:
            place = place[step]
        place[last] = value

    return change


def _without(*shows: str) -> Break:
    """Return a function that removes the examples that show something."""

    def change(document: dict[str, Any]) -> None:
        run = document["examples"]["run"]
        document["examples"]["run"] = [each for each in run if each.get("shows") not in shows]

    return change


def _nested(depth: int) -> dict[str, Any]:
    value: Any = "x"
    for _ in range(depth):
        value = {"base64": value}
    return {"x": value}


CASES = "start/answer/cases"
LOOK_UP_PATH = "look_ups/authorise/request/path"
UNSIGNED = {"algorithm": "md5", "parts": [{"raw": "body"}]}
OF_CALLS: list[tuple[str, Break, str]] = [
    ("an unknown part", _set("colour", 1), "colour: Extra inputs"),
    ("an unknown form", _set("start/request/json/amount", {"amont": True}), "a value is a text, or an object"),
    ("a float for a version", _set("clearway_gateway", 2), "clearway_gateway: Input should be 1"),
    ("a plain address", _set("addresses/api/live", "http://acme.example"), "addresses.api.live"),
    ("an unknown setting", _set("start/request/json/order", {"setting": "no"}), "there is no setting 'no'"),
    ("an unknown credential", _set("authentication/value", {"credential": "no"}), "there is no credential 'no'"),
    ("an unknown identifier", _set("start/request/json/order", {"identifier": "no"}), "there is no identifier 'no'"),
    ("an unknown name", _set("start/request/json/order", "{{ payment.amount }}"), "there is no name 'payment.amount'"),
    ("a secret in a template", _set("start/request/json/order", "{{ credential.key }}"), "there is no name"),
    ("a loop", _set("start/request/json/order", "{% for a in b %}{% endfor %}"), "the statement 'for'"),
    ("an unknown address", _set("start/request/address", "no"), "there is no address 'no'"),
    ("an unknown currency", _set("currencies/XXX", {}), "XXX: it is not a currency"),
    ("an unknown decline code", _set("errors/no_money/error_code", "broke"), "there is no decline code 'broke'"),
    ("an unknown value", _set(f"{CASES}/0/when/values", {"no": ["1"]}), "there is no value 'no'"),
    ("a function in a path", _set("start/answer/values/id/paths", ["to_string(@)"]), "which paths here do not have"),
    ("an HMAC without a key", _set("signatures/webhook/key", None), "an HMAC needs a `key`"),
    ("a raw body in a field", _set("start/request/json/order", {"raw": "body"}), "stand only in signatures"),
    ("success of a registration", _set(f"{CASES}/0/outcome", "approved"), "approved is not an outcome here"),
    ("success by a status", _set("look_ups/authorise/answer/cases/0/when", {"http": [200]}), "does not say that money"),
    ("decline by a status", _set(f"{CASES}/2/executed", None), "is a decline only if it is a 4xx"),
    ("decline by a 500", _set(f"{CASES}/2/when/http", [500]), "is a decline only if it is a 4xx"),
    ("retry after a 500", _set(f"{CASES}/3/when/http", [500]), "only 429 and 503"),
    ("a deep value", _set("start/request/json", _nested(20)), "nested deeper than"),
    ("no reference", _set("start/answer/references", {}), "the reference `payment`"),
    ("no look-up for a finding", _set("abilities/finds/capture", {"by": "by_reference"}), "needs a look-up"),
    ("a capture that is not there", _set("abilities/capture", "full"), "capture is declared and described together"),
    ("an identifier in a look-up", _set(LOOK_UP_PATH, "/{{ identifier.order }}"), "the payment by"),
    ("a proof without a signature", _set("callbacks/0/signature", None), "has a `signature`"),
    ("a signature without a secret", _set("signatures/webhook", UNSIGNED), "no credential"),
    (
        "a signature over some fields",
        _set("signatures/webhook/parts", [{"field": "id"}, {"field": "sum"}, {"field": "currency"}]),
        "does not cover status",
    ),
    ("a success without an amount", _set("callbacks/0/amount", None), "believed only with its amount"),
    ("a success without a currency", _set("callbacks/0/currency", None), "names the currency"),
    ("a hint with cases", _set("callbacks/0/trust", "hint"), "a hint is not believed"),
    ("no decline", _without("decline"), "none shows a `decline`"),
    ("no timeout", _without("timeout"), "none shows a `timeout`"),
    ("no tampered callback", _without("tampered"), "none shows a `tampered`"),
    ("an integer without a duplicate", _set("identifiers/order/form", "integer"), "none shows a `duplicate`"),
    ("a timeout taken for a decline", _set("examples/run/2/becomes/outcome", "declined"), "not taken for an outcome"),
    ("a wrong request", _set("examples/run/0/sends/method", "PUT"), "method is 'POST', and should be 'PUT'"),
    ("a wrong outcome", _set("examples/run/4/becomes/amount_minor", 1), "amount_minor is 1050, and should be 1"),
    ("a wrong signature", _set("examples/run/5/receives/headers/X-Signature", "00"), "it is not accepted"),
    ("a value in no example", _set("start/answer/values/other", {"paths": ["x"]}), "no example has this value"),
]
OF_FORM: list[tuple[str, Break, str]] = [
    ("a request of a form post", _set("start/request", {"path": "/x"}), "sends no request"),
    ("no form", _set("start/page/form", None), "a `form` only for form_post"),
    ("no identifier", _set("start/identifier", None), "`identifier` names the payment"),
    ("a precheck that is missing", _set("callbacks", []), "no callback is a precheck"),
    ("a precheck without an amount", _set("callbacks/0/amount", None), "reads the amount"),
    ("nothing that tells the end", lambda d: d["callbacks"].pop(1), "nothing says how a payment ends"),
    ("a key of a hash", _set("signatures/confirmation/key", {"credential": "secret"}), "only an HMAC has a `key`"),
    ("base64 in any case", _set("signatures/confirmation/encoding", "base64"), "is not the same in other letter case"),
]


@pytest.mark.parametrize(("name", "change", "said"), OF_CALLS, ids=[each[0] for each in OF_CALLS])
async def test_a_broken_document_of_calls_is_refused(name: str, change: Break, said: str) -> None:
    """The message names the place and what is wrong."""
    document = calls()
    change(document)
    assert said in "; ".join(await wrong_with(document)), name


@pytest.mark.parametrize(("name", "change", "said"), OF_FORM, ids=[each[0] for each in OF_FORM])
async def test_a_broken_document_of_a_form_is_refused(name: str, change: Break, said: str) -> None:
    """The message names the place and what is wrong."""
    document = form()
    change(document)
    assert said in "; ".join(await wrong_with(document)), name


@pytest.mark.parametrize(
    "change",
    [
        _set("start/request/json", _nested(150)),
        _set("start/request/json", _nested(400)),
        _set("signatures", {f"s{n}": {"algorithm": "md5", "parts": ["x"] * 50} for n in range(9)}),
        _set("look_ups/authorise/answer/values/status/paths", ["a" + "[*].a" * 30]),
        _set("look_ups/authorise/answer/values/status/paths", ["(" * 90 + "a" + ")" * 90]),
        _set("start/request/path", "/" + "{{ 'a' * 999999999 }}"),
        _set("description", "x" * 3_000),
        _set("maps", {"m": {str(n): "x" for n in range(300)}}),
    ],
)
async def test_a_hostile_document_is_refused(change: Break) -> None:
    """Depth, size and work have limits, and nothing but a message comes of it."""
    document = calls()
    change(document)
    assert await wrong_with(document)
