"""The OpenAPI document: what FastAPI derives from the routes, with what it cannot know added."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.events.schemas import EventResource
from api.http.examples import RESOURCES
from api.http.problems import FieldProblem, Problem
from api.http.problems import examples as problem_examples
from clearway.domain.events import EventType

TAGS: Final = [
    {"name": "orders", "description": "An order is an amount that a customer is to pay."},
    {"name": "payments", "description": "Create, read, capture and cancel payments of an order."},
    {"name": "refunds", "description": "Return captured money, in part or in full."},
    {
        "name": "webhook endpoints",
        "description": "Register where events are sent, which types, and the secrets that sign them.",
    },
    {"name": "webhooks", "description": "Deliveries of events and their attempts; retry a delivery."},
    {"name": "API keys", "description": "Create, rotate and revoke API keys."},
    {"name": "events", "description": "Read the events that webhooks deliver."},
    {
        "name": "reconciliations",
        "description": "Compare Clearway's records with what gateways report, and close the differences.",
    },
    {"name": "public", "description": "Requests of a checkout page, without an API key."},
    {"name": "gateways", "description": "Connect the gateways that carry out your payments, and test them."},
    {"name": "gateway events", "description": "Read what gateways sent, and process it again."},
    {"name": "gateway webhooks", "description": "Where gateways send their events."},
    {"name": "routing", "description": "Rules that choose a gateway for each payment."},
    {"name": "fx", "description": "Exchange rates, and quotes for paying an order in another currency."},
    {"name": "errors", "description": "What the error codes of payments and refunds mean."},
    {"name": "test", "description": "For development and tests; absent in production."},
    {"name": "operations", "description": "Probes and metrics."},
]
DESCRIPTION: Final = """\
Every payment, refund and webhook delivery is a durable workflow. A 2xx means that the request is recorded and will not
be lost. An error means that nothing happened, unless it says otherwise. Amounts are integers in minor units. Send an
`Idempotency-Key` with every POST, and repeat the request with the same key if you get no answer.
"""


class ClearwayAPI(FastAPI):
    """FastAPI with our additions to its document."""

    def openapi(self) -> dict[str, Any]:
        """Return the document, built once."""
        if self.openapi_schema is None:
            _complete(super().openapi())
        assert self.openapi_schema is not None, "FastAPI keeps what it made"
        return self.openapi_schema


def servers(public_url: str) -> list[dict[str, Any]]:
    """Return where requests can be sent: a relative URL for readers of a served document, and the public one."""
    return [
        {"url": "/", "description": "The server that this document comes from."},
        {"url": public_url.rstrip("/"), "description": "The public address of this installation."},
    ]


def operation_id(route: APIRoute) -> str:
    """Name operations as the code does, so that generated clients have readable methods."""
    return route.name


def declare_webhooks(app: FastAPI) -> None:
    """Describe the requests merchants receive: one for every event type."""
    for event_type in EventType:

        async def receive(body: EventResource) -> None:
            """Answer with 2xx. Any other answer, or no answer in time, is a failed attempt and is retried."""

        name = event_type.value.replace(".", "_")
        app.webhooks.post(event_type.value, name=name, operation_id=name, summary=event_type.value)(receive)


def _complete(document: dict[str, Any]) -> None:
    components = document["components"]
    components["examples"] = problem_examples()
    for model in (Problem, FieldProblem):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schema.pop("$defs", None)
        components["schemas"][model.__name__] = schema
    # Production has no /test routes, and so not all of the schemas.
    for name in RESOURCES.keys() & components["schemas"].keys():
        components["schemas"][name]["examples"] = [RESOURCES[name]]
    for operation in _operations(document):
        _need_both_credentials(operation)
        _drop_what_never_happens(operation)
        _tell_of_replays(operation)
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for paths in (document["paths"], document["webhooks"]):
        for path in paths.values():
            yield from path.values()


def _need_both_credentials(operation: dict[str, Any]) -> None:
    """FastAPI lists several schemes as alternatives; ours are needed together."""
    if "security" in operation:
        operation["security"] = [{name: [] for scheme in operation["security"] for name in scheme}]


def _drop_what_never_happens(operation: dict[str, Any]) -> None:
    """FastAPI promises its own validation error wherever there is a parameter; we answer with problems."""
    media = operation["responses"].get("422", {}).get("content", {})
    if "application/json" in media:
        del operation["responses"]["422"]


def _tell_of_replays(operation: dict[str, Any]) -> None:
    if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ())):
        header = {
            "description": "`true` if this answer is the stored answer of an earlier request with the same key.",
            "schema": {"const": "true"},
        }
        success = next(response for status, response in operation["responses"].items() if status.startswith("2"))
        success["headers"] = {"Idempotent-Replayed": header}
