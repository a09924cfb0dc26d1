"""Writes `schemas/events/*.json`: the JSON Schema of each event's body, for merchants to check and to generate from.

`python -m scripts.event_schemas` writes them; `--check` compares what is committed with the code and changes nothing.
The schemas are open: a merchant must ignore fields it does not know, because we add some without a new version.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from clearway.domain import ids
from clearway.domain.events import EventType
from clearway.domain.gateway_health import HealthStatus
from clearway.domain.resources import event_data

FOLDER: Final = Path(__file__).parents[1] / "schemas" / "events"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

TOLD: Final = {
    EventType.PAYMENT_CREATED: "A payment was recorded; its gateway is being asked.",
    EventType.PAYMENT_ATTEMPT_FAILED: (
        "An attempt at a gateway failed and nothing was taken. The payment is tried at another gateway and is still "
        "pending: do nothing."
    ),
    EventType.PAYMENT_RETRYING: (
        "The attempt failed and nothing was taken. Another follows at `data.next_attempt_at`, or when you retry it."
    ),
    EventType.PAYMENT_RETRIED: "Another attempt of a payment that was retrying has begun.",
    EventType.PAYMENT_REQUIRES_ACTION: "The customer must act at `data.next_action.url`.",
    EventType.PAYMENT_PROCESSING: "The gateway has accepted the payment and takes its time.",
    EventType.PAYMENT_AUTHORIZED: "The money is reserved on the customer's side and waits for capture.",
    EventType.PAYMENT_CAPTURED: "A capture that was asked for has been carried out; there may be more to come.",
    EventType.PAYMENT_SUCCESS: "The money is taken and nothing more can be captured. Deliver the goods.",
    EventType.PAYMENT_FAILED: "The payment did not happen; `data.error_code` says why. The order may be paid again.",
    EventType.PAYMENT_CANCELLED: "The payment was called off before any money was taken.",
    EventType.PAYMENT_EXPIRED: "The customer or the capture did not come in time; no money was taken.",
    EventType.PAYMENT_NEEDS_REVIEW: "It is not known what the gateway did; a person finds out. Do not charge again.",
    EventType.PAYMENT_CONTRADICTED: (
        "After the payment had ended, its gateway reported something that cannot be true with what was recorded. "
        "Nothing was changed. Read `data.description`, and look the payment up at the gateway."
    ),
    EventType.REFUND_CREATED: "A refund was reserved; its gateway is being asked.",
    EventType.REFUND_PROCESSED: "The gateway has paid the refund out.",
    EventType.REFUND_FAILED: "The refund did not happen; the money is still the merchant's.",
    EventType.REFUND_REVERSED: "A processed refund came back to the gateway; the money is the merchant's again.",
    EventType.REFUND_NEEDS_REVIEW: "What became of the refund is not known; a person finds out.",
    EventType.REFUND_CONTRADICTED: (
        "After the refund had ended, its gateway reported something that cannot be true with what was recorded. "
        "Nothing was changed. Read `data.description`, and look the refund up at the gateway."
    ),
    EventType.GATEWAY_BREAKER_OPENED: (
        "A gateway failed too often, so new payments avoid it. `data.last_failure` says how. Payments under way go on."
    ),
    EventType.GATEWAY_BREAKER_CLOSED: "A gateway works again, or its breaker was reset. New payments use it again.",
    EventType.GATEWAY_UNHEALTHY: (
        "A gateway did not pass several checks in a row; `data.message` says what is wrong and what to do."
    ),
    EventType.GATEWAY_HEALTHY: "A gateway that was unhealthy passes its checks again.",
    EventType.GATEWAY_DEGRADED: (
        "The latency, errors or success rate of a gateway pass a threshold that you have set; `data.degraded_by` says "
        "which."
    ),
    EventType.GATEWAY_RESTORED: "The figures of a gateway are within your thresholds again.",
    EventType.RECONCILIATION_COMPLETED: "A period was compared with what a gateway reports; `found` has what differs.",
    EventType.RECONCILIATION_FAILED: "A period could not be compared with what a gateway reports; `failure` says why.",
    EventType.ENDPOINT_TEST: "A merchant asked for a test of this endpoint. Nothing happened.",
}
"""What each event means, in words for merchants."""

STATUSES: Final = {
    EventType.PAYMENT_RETRIED: ["pending"],
    EventType.GATEWAY_DEGRADED: [each.value for each in HealthStatus],
    EventType.GATEWAY_RESTORED: [each.value for each in HealthStatus],
    EventType.PAYMENT_CREATED: ["pending"],
    EventType.PAYMENT_ATTEMPT_FAILED: ["failed"],
    EventType.PAYMENT_CAPTURED: ["authorized", "success"],
    EventType.REFUND_CREATED: ["pending"],
}
"""`data.status` where it is not what the event is called after."""


class MerchantSchema(GenerateJsonSchema):
    """JSON Schema as a merchant needs it: of what is sent, every field of which is always there."""

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,  # noqa: ARG002
        total: bool,  # noqa: FBT001, ARG002 - pydantic's signature
    ) -> bool:
        """Say yes: an event carries every field, null when there is nothing to say."""
        return True

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        """Say no: a title made of the field's name says nothing more."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Leave the default out: it matters to the sender, not to the receiver."""
        return self.generate_inner(schema["schema"])

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Leave the object open, so that a field we add does not break a merchant who validates."""
        made = super().model_schema(schema)
        made.pop("additionalProperties", None)
        return made

    def generate(self, schema: CoreSchema, mode: Any = "serialization") -> JsonSchemaValue:
        """Generate without the dialect, which the body's schema states."""
        made = super().generate(schema, mode)
        made.pop("$schema", None)
        return made


def schema_of(event_type: EventType) -> dict[str, Any]:
    """Return the schema of the whole delivery body of one event type."""
    data = _data_schema(event_type)
    definitions = data.pop("$defs", {})
    body = {
        "$schema": DIALECT,
        "$id": f"urn:clearway:event:{event_type.value}",
        "title": event_type.value,
        "description": TOLD[event_type],
        "type": "object",
        "properties": {
            "id": {
                "description": "Of the event; the same on every attempt and for every endpoint.",
                "type": "string",
                "pattern": f"^{ids.EVENT}_[{ids.ALPHABET}]{{{ids.BODY_LENGTH}}}$",
            },
            "type": {"const": event_type.value},
            "timestamp": {"description": "When it happened.", "type": "string", "format": "date-time"},
            "data": data,
        },
        "required": ["id", "type", "timestamp", "data"],
    }
    return {**body, "$defs": definitions} if definitions else body


def _data_schema(event_type: EventType) -> dict[str, Any]:
    verb = event_type.value.partition(".")[2]
    data = event_data(event_type).model_json_schema(mode="serialization", schema_generator=MerchantSchema)
    if "status" in data["properties"]:
        allowed = STATUSES.get(event_type, [verb])
        data["properties"]["status"] = {"enum": allowed} if len(allowed) > 1 else {"const": allowed[0]}
        data["$defs"] = {name: made for name, made in data["$defs"].items() if not name.endswith("Status")}
        if not data["$defs"]:
            del data["$defs"]
    return data


def documents() -> dict[str, str]:
    """Return the text of every file by its name."""
    return {
        f"{event_type.value}.json": json.dumps(schema_of(event_type), indent=2, ensure_ascii=False) + "\n"
        for event_type in EventType
    }


def write() -> None:
    """Make the folder what the code says."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sorted(_committed() - documents().keys()):
        (FOLDER / name).unlink()
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def differences() -> list[str]:
    """Return a line for each file that is not what the code says."""
    wanted = documents()
    missing = [f"{name} is missing" for name in sorted(wanted.keys() - _committed())]
    stray = [f"{name} is of no event type" for name in sorted(_committed() - wanted.keys())]
    stale = [
        f"{name} is not what the code says"
        for name in sorted(wanted.keys() & _committed())
        if (FOLDER / name).read_text(encoding="utf-8") != wanted[name]
    ]
    return [*missing, *stray, *stale]


def _committed() -> set[str]:
    return {path.name for path in FOLDER.glob("*.json")}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is 1 when `--check` finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m scripts.event_schemas", description="The events' JSON Schemas.")
    parser.add_argument("--check", action="store_true", help="compare, and change nothing")
    if not parser.parse_args(arguments).check:
        write()
        return 0
    found = differences()
    for line in found:
        print(f"schemas/events/{line}")
    if found:
        print("An event's shape is a contract with merchants. If the change is meant: python -m scripts.event_schemas")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
