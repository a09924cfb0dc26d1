"""The catalogue of events: what each means, and the JSON Schema of the body that merchants receive.

The schemas are open: a merchant must ignore fields that it does not know, because a later version may add some.
`schemas/events` holds them as files, the API serves them.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from clearway.domain import ids
from clearway.domain.event_data import event_data
from clearway.domain.events import EventType
from clearway.domain.gateway_health import HealthStatus

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

MEANINGS: Final = {
    EventType.ORDER_CANCELLED: "You cancelled the order. It takes no payment any more, and none has paid it.",
    EventType.ORDER_EXPIRED: "`expires_at` of the order has passed and no payment succeeded. It takes none any more.",
    EventType.PAYMENT_CREATED: "A payment was created, and goes to its gateway now.",
    EventType.PAYMENT_ATTEMPT_FAILED: (
        "An attempt at a gateway failed and nothing was taken. The payment is tried at another gateway and is still "
        "pending: do nothing."
    ),
    EventType.PAYMENT_RETRYING: (
        "The attempt failed and nothing was taken. Another follows at `data.next_attempt_at`, or when you retry it."
    ),
    EventType.PAYMENT_RETRIED: "Another attempt of a payment that was retrying has begun.",
    EventType.PAYMENT_REQUIRES_ACTION: "The customer must open `data.next_action.url`, or pay by the UPI intent in it.",
    EventType.PAYMENT_PROCESSING: "The gateway accepted the payment and has not decided yet.",
    EventType.PAYMENT_AUTHORIZED: "The money is reserved at the customer's bank and waits for your capture.",
    EventType.PAYMENT_CAPTURED: "A capture that you requested was carried out. More captures may follow.",
    EventType.PAYMENT_SUCCESS: "The money is taken and nothing more can be captured. Deliver the goods.",
    EventType.PAYMENT_FAILED: "The payment did not happen; `data.error_code` says why. The order may be paid again.",
    EventType.PAYMENT_CANCELLED: "The payment was cancelled before any money was taken.",
    EventType.PAYMENT_EXPIRED: "The customer or the capture did not come in time; no money was taken.",
    EventType.PAYMENT_NEEDS_REVIEW: "The outcome at the gateway is unknown. A person looks it up. Do not charge again.",
    EventType.PAYMENT_CONTRADICTED: (
        "After the payment had ended, its gateway reported something that contradicts the record. "
        "Nothing was changed. Read `data.description`, and look the payment up at the gateway."
    ),
    EventType.REFUND_CREATED: "A refund was created, and goes to its gateway now.",
    EventType.REFUND_PROCESSED: "The gateway has paid the refund out.",
    EventType.REFUND_FAILED: "The refund did not happen; the money is still the merchant's.",
    EventType.REFUND_REVERSED: "A processed refund came back to the gateway; the money is the merchant's again.",
    EventType.REFUND_NEEDS_REVIEW: "The outcome of the refund is not known. A person looks it up. Do not refund again.",
    EventType.REFUND_CONTRADICTED: (
        "After the refund had ended, its gateway reported something that contradicts the record. "
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
    EventType.RECONCILIATION_COMPLETED: "A period was compared with the gateway's report. See `data.found`.",
    EventType.RECONCILIATION_FAILED: "The comparison of a period did not end. `data.failure` says why.",
    EventType.ENDPOINT_TEST: "You tested this endpoint. No payment changed.",
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
        "description": MEANINGS[event_type],
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
