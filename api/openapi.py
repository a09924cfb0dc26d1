"""The OpenAPI document: what FastAPI derives from the routes, with what it cannot know added."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.events.schemas import EventResource
from api.problems import FieldProblem, Problem
from clearway.domain.events import EventType

TAGS: Final = [
    {"name": "orders", "description": "What is to be paid."},
    {"name": "payments", "description": "Attempts to pay an order: made, captured, called off, read."},
    {"name": "refunds", "description": "Giving back what was captured, in part or in full."},
    {"name": "webhook endpoints", "description": "Where events are sent, to whom which, and the secrets that sign."},
    {"name": "webhooks", "description": "What was sent, attempt by attempt; sending it again."},
    {"name": "events", "description": "Everything that happened, as webhooks tell it."},
    {"name": "public", "description": "What a checkout page may do without a key."},
    {"name": "gateways", "description": "Where gateways send their webhooks."},
    {"name": "test", "description": "For development and tests; absent in production."},
    {"name": "operations", "description": "Probes and metrics."},
]
DESCRIPTION: Final = """\
Every payment, refund and webhook delivery is a durable workflow: a 2xx means recorded and durable, an error means that
nothing happened unless it says otherwise. Amounts are integers in minor units. Send an `Idempotency-Key` with every
POST and repeat with the same key whenever you have no answer.
"""


class ClearwayAPI(FastAPI):
    """FastAPI with our additions to its document."""

    def openapi(self) -> dict[str, Any]:
        """Return the document, made once."""
        if self.openapi_schema is None:
            _complete(super().openapi())
        assert self.openapi_schema is not None, "FastAPI keeps what it made"
        return self.openapi_schema


def operation_id(route: APIRoute) -> str:
    """Name operations as the code does, so that generated clients have readable methods."""
    return route.name


def declare_webhooks(app: FastAPI) -> None:
    """Describe the requests merchants receive: one for every event type."""
    for event_type in EventType:

        async def receive(body: EventResource) -> None:
            """Answer 2xx; anything else, or silence, is a failure and is tried again."""

        name = event_type.value.replace(".", "_")
        app.webhooks.post(event_type.value, name=name, operation_id=name, summary=event_type.value)(receive)


def _complete(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    template = "#/components/schemas/{model}"
    for model in (Problem, FieldProblem):
        schema = model.model_json_schema(ref_template=template)
        schema.pop("$defs", None)
        schemas[model.__name__] = schema
    for path in document["paths"].values():
        for operation in path.values():
            _need_both_credentials(operation)


def _need_both_credentials(operation: dict[str, Any]) -> None:
    """FastAPI lists several schemes as alternatives; ours are needed together."""
    if "security" in operation:
        operation["security"] = [{name: [] for scheme in operation["security"] for name in scheme}]
