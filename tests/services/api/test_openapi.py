"""The OpenAPI document: what generators and people get."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from api.app import create_app
from api.http.examples import RESOURCES
from api.http.problems import CODES
from clearway.settings import Settings
from scripts import openapi
from tests.services.api.conftest import changed
from tests.services.api.test_permissions import paths_for_people

API = Path(__file__).parents[3] / "api"


@pytest.fixture(scope="module")
def document(settings: Settings) -> dict[str, Any]:
    """Make the document."""
    return create_app(settings).openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Go through every operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_the_committed_document_is_what_the_code_says() -> None:
    """A change of the API shows in `api/openapi.json`, where it is reviewed."""
    assert openapi.check(openapi.SNAPSHOT.read_text(encoding="utf-8"), openapi.render()) == 0


def test_a_change_is_shown_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """The check prints the difference and the command that accepts it."""
    assert openapi.check(openapi.render().replace('"Create an order"', '"Create orders"'), openapi.render()) == 1
    printed = capsys.readouterr().out
    assert '-        "summary": "Create orders"' in printed
    assert "python -m scripts.openapi" in printed


def test_it_is_openapi_3_1_with_names_of_our_own(document: dict[str, Any]) -> None:
    """Version 3.1, and operation ids that are unique and readable."""
    assert document["openapi"].startswith("3.1")
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)


def test_every_operation_has_a_tag_and_words(document: dict[str, Any]) -> None:
    """Each is found under a tag that is described, with a summary and a description."""
    described = {tag["name"] for tag in document["tags"]}
    for _, path, operation in operations(document):
        assert set(operation["tags"]) <= described, path
        assert operation["summary"], path
        assert operation["description"], path


def test_every_error_is_a_declared_problem(document: dict[str, Any]) -> None:
    """Every 4xx and 5xx of the API is application/problem+json, with an example of each of its codes."""
    for method, path, operation in operations(document):
        errors = {status: response for status, response in operation["responses"].items() if status >= "4"}
        if not path.startswith("/api/v1"):
            continue
        assert {"500", "503"} <= set(errors), path
        for status, response in errors.items():
            problem = response["content"]["application/problem+json"]
            assert all(CODES[code][0] == int(status) for code in problem["examples"]), (method, path)


def test_every_code_in_the_routes_is_declared() -> None:
    """No code is used that the catalogue does not have; decline codes come from the gateway's tokeniser."""
    raised = re.compile(
        r"(?:InvalidRequest|Authentication|NotFound|Conflict|Unprocessable|RateLimited|Unavailable|OutcomeUnknown)Error\("
        r'\s*"([a-z_]+)"'
    )
    used = {code for path in API.rglob("*.py") for code in raised.findall(path.read_text(encoding="utf-8"))}
    assert len(used) > 10
    assert used <= set(CODES)


PEOPLE = [{"Session": []}, {"AccessToken": []}]
MERCHANTS = [{"ApiKey": [], "ApiSecret": []}, *PEOPLE]


def test_keys_are_needed_in_both_halves(document: dict[str, Any]) -> None:
    """A permission needs key and secret together, or a session; what is for people a session; what is open nothing."""
    people = paths_for_people()
    for _, path, operation in operations(document):
        expected = MERCHANTS if "x-permission" in operation else PEOPLE if path in people else None
        assert operation.get("security") == expected, path


REPEATABLE = ("/api/v1/gateways/", "/api/v1/gateway_events/")
ASKING = {f"/api/v1/routing/{asked}" for asked in ("validate", "explain", "versions/{number}/dry_run")}
"""POSTs that only ask: there is nothing that a repeat could do again."""


def test_every_post_of_a_merchant_takes_an_idempotency_key(document: dict[str, Any]) -> None:
    """One mechanism for all POSTs, a customer's payment too; but those of one gateway do the same when repeated.

    Keys are kept by merchant: a POST that belongs to none has no place for them.
    """
    for method, path, operation in operations(document):
        of_merchant = "x-permission" in operation or operation["tags"] == ["public"]
        if method != "post" or not of_merchant or path.startswith(REPEATABLE) or path in ASKING:
            continue
        assert "Idempotency-Key" in {parameter["name"] for parameter in operation["parameters"]}, path


def test_request_bodies_refuse_unknown_fields(document: dict[str, Any]) -> None:
    """The contract says what the code does: no additional properties in what merchants send."""
    for name, schema in document["components"]["schemas"].items():
        if name.endswith(("Create", "Patch", "Details")) and name != "DeliveryDetails":
            assert schema.get("additionalProperties") is False, name


@pytest.mark.parametrize("name", RESOURCES)
def test_examples_fit_their_schemas(document: dict[str, Any], name: str) -> None:
    """An example that the schema refuses would teach wrong things."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    jsonschema.validate(RESOURCES[name], schema)


def test_webhooks_are_described(document: dict[str, Any]) -> None:
    """Every event a merchant can receive is in the `webhooks` section."""
    assert "payment.success" in document["webhooks"]
    assert "refund.processed" in document["webhooks"]


def test_test_routes_are_absent_in_production(settings: Settings) -> None:
    """In production nobody can ask for the published credentials."""
    secrets = {"secret_keys": "k:" + "A" * 43 + "=", "api_key_peppers": "p:p", "simulator_webhook_secret": "s"}
    production = create_app(changed(settings, clearway_env="production", **secrets)).openapi()
    assert not [path for path in production["paths"] if "/test/" in path]
