"""The OpenAPI document: what FastAPI derives from the routes, with what it cannot know added."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI

from api.events.schemas import EventResource
from api.http.examples import RESOURCES
from api.http.problems import FieldProblem, Problem
from api.http.problems import examples as problem_examples
from clearway.domain.events import EventType

TAGS: Final = [
    {"name": "orders", "description": "An order is an amount that a customer is to pay."},
    {"name": "payments", "description": "Create, read, capture and cancel payments of an order."},
    {"name": "refunds", "description": "Return captured money, in part or in full."},
    {"name": "customers", "description": "Find a customer of your payments, with totals."},
    {"name": "statistics", "description": "Counts, volume and success rates by period, method, gateway and reason."},
    {
        "name": "webhook endpoints",
        "description": "Register where events are sent, which types, and the secrets that sign them.",
    },
    {"name": "webhooks", "description": "Deliveries of events and their attempts; retry a delivery."},
    {"name": "users", "description": "People: signing in and out, their profile and their sessions."},
    {"name": "API keys", "description": "Create, rotate and revoke API keys."},
    {"name": "settings", "description": "Name, branding, allowed origins, help texts, time zone, security."},
    {"name": "members", "description": "Who belongs to an account, with which role; invite, change, remove."},
    {"name": "operator", "description": "For people who run the installation: across all merchants."},
    {"name": "audit log", "description": "Who did what, from where: read and export."},
    {"name": "notices", "description": "Which mails about a merchant you get."},
    {"name": "saved views", "description": "Your own views of lists: filters and columns under a name."},
    {"name": "exports", "description": "Lists as CSV and XLSX files."},
    {"name": "request log", "description": "Which requests were sent with your API keys, and how each was answered."},
    {"name": "events", "description": "Read the events that webhooks deliver."},
    {
        "name": "reconciliations",
        "description": "Compare Clearway's records with what gateways report, and close the differences.",
    },
    {"name": "public", "description": "Requests of a checkout page, without an API key."},
    {"name": "gateways", "description": "Connect the gateways that process your payments, and test them."},
    {"name": "gateway events", "description": "Read what gateways sent, and process it again."},
    {"name": "gateway webhooks", "description": "Where gateways send their events."},
    {"name": "routing", "description": "Rules that choose a gateway for each payment."},
    {"name": "fx", "description": "Exchange rates, and quotes for paying an order in another currency."},
    {"name": "errors", "description": "What the error codes of payments and refunds mean."},
    {"name": "test", "description": "For development and tests; absent in production."},
    {"name": "operations", "description": "Probes and metrics."},
]
API_KEY_HALVES: Final = ("ApiKey", "ApiSecret")
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
    """FastAPI lists every scheme as an alternative; the two halves of an API key are needed together."""
    named = [name for scheme in operation.get("security", ()) for name in scheme]
    if named:
        halves = [name for name in API_KEY_HALVES if name in named]
        others: list[dict[str, Any]] = [{name: []} for name in named if name not in halves]
        operation["security"] = [{name: [] for name in halves}, *others] if halves else others


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
