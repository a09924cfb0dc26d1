"""Webhook endpoints in requests and answers. Only two answers hold a secret: the one to its creation and to a rotation.

Stored event types are always names of `EventType`; an empty list means all. Patterns and `*` exist only out here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError
from sqlalchemy import Row

from api.http.fields import Body, PlainText, Time, absent
from api.http.problems import FieldProblem
from clearway.domain.delivery import DeliveryStatus, RecoveryScope, RecoveryStatus
from clearway.domain.endpoint import EndpointStatus
from clearway.domain.events import EventType
from clearway.domain.field_checks import plain_text
from clearway.domain.limits import (
    JSON_INTEGER_MAX,
    TEST_EVENT_BYTES_MAX,
    URL_LENGTH_MAX,
    WEBHOOK_ATTEMPTS_MAX,
    WEBHOOK_RETRY_INTERVAL_S_MAX,
)
from clearway.domain.resources import Moment, Resource
from clearway.endpoints import commands
from clearway.endpoints.commands import EndpointRequest
from clearway.endpoints.composing import misfits
from clearway.endpoints.recovery import Recovery, RecoveryRequest
from clearway.endpoints.trial import TestEvent

ALL: Final = "*"
PATTERNS: Final = {
    f"{noun}.*": [event.value for event in EventType if event.value.startswith(f"{noun}.")]
    for noun in ("payment", "refund", "gateway")
}
ACCEPTED: Final = (ALL, *PATTERNS, *(event.value for event in EventType))
DESCRIPTION_LENGTH_MAX: Final = 255
OVERLAP_S_MAX: Final = 7 * 24 * 3600
SINCE: Final = "2026-11-20T00:00:00Z"


def expand_event_types(asked: Sequence[str]) -> tuple[str, ...]:
    """Return the event types to store, in the order of `EventType`; empty means all."""
    if ALL in asked:
        return ()
    wanted = {name for item in asked for name in PATTERNS.get(item, [item])}
    return tuple(event.value for event in EventType if event.value in wanted)


def _accepted(text: str) -> str:
    if text not in ACCEPTED:
        raise PydanticCustomError("event_type_unknown", f"Unknown event type. Use one of {', '.join(ACCEPTED)}")
    return text


def _not_empty(asked: list[str]) -> list[str]:
    if not asked:
        raise PydanticCustomError("event_types_empty", 'The list is empty. Send ["*"] to receive all events')
    return asked


def _storable_data(data: dict[str, Any] | None) -> dict[str, Any] | None:
    """Refuse what is too long, and what no event may hold wherever it stands."""
    if data is not None:
        if len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()) > TEST_EVENT_BYTES_MAX:
            message = "This may be at most {limit} bytes long as JSON"
            raise PydanticCustomError("data_too_long", message, {"limit": TEST_EVENT_BYTES_MAX})
        _refuse_unstorable(data)
    return data


def _refuse_unstorable(value: Any) -> None:
    match value:
        case dict():
            for name, inner in value.items():
                plain_text(name)
                _refuse_unstorable(inner)
        case list():
            for item in value:
                _refuse_unstorable(item)
        case str():
            plain_text(value)
        case int() | float():
            plain_text(str(value))
            if not abs(value) <= JSON_INTEGER_MAX:
                raise PydanticCustomError("number_too_large", "A number in it is too large to be read everywhere")


Url = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=URL_LENGTH_MAX),
    Field(
        description="Where to send events: an https URL in production, never a private address.",
        examples=["https://shop.example/webhooks"],
    ),
]
Description = Annotated[PlainText, StringConstraints(max_length=DESCRIPTION_LENGTH_MAX)]
EventTypes = Annotated[
    list[Annotated[PlainText, AfterValidator(_accepted), Field(json_schema_extra={"enum": [*ACCEPTED]})]],
    Field(
        max_length=len(ACCEPTED),
        json_schema_extra={"minItems": 1},
        description=(
            "Event types to receive. `*` means all current and future types; `payment.*`, `refund.*` and `gateway.*` "
            "mean the current types of that kind. `endpoint.test` is sent when you request a test, regardless of the "
            "list."
        ),
        examples=[["payment.success", "refund.*"]],
    ),
    AfterValidator(_not_empty),
]
RetryIntervals = Annotated[
    list[Annotated[int, Field(strict=True, ge=1, le=WEBHOOK_RETRY_INTERVAL_S_MAX)]],
    Field(
        min_length=1,
        max_length=WEBHOOK_ATTEMPTS_MAX - 1,
        description="Seconds between delivery attempts; n intervals make n + 1 attempts. null: server default.",
        examples=[[60, 300, 1_800, 7_200]],
    ),
]


class EndpointCreate(Body):
    """An endpoint to register."""

    url: Url
    description: Description | None = None
    event_types: EventTypes = Field(default_factory=lambda: [ALL])
    retry_intervals_s: RetryIntervals | None = None

    def asked(self) -> EndpointRequest:
        """Return the command for the application service."""
        intervals = None if self.retry_intervals_s is None else tuple(self.retry_intervals_s)
        return EndpointRequest(self.url, self.description, expand_event_types(self.event_types), intervals)


class EndpointPatch(Body):
    """The fields to change. Fields that you leave out keep their values."""

    url: Url = Field(default_factory=absent)
    description: Description | None = None
    event_types: EventTypes = Field(default_factory=absent)
    retry_intervals_s: RetryIntervals | None = None
    status: EndpointStatus = Field(
        default_factory=absent, description="`disabled` stops deliveries. `enabled` lets new deliveries start."
    )

    def values(self) -> dict[str, Any]:
        """Return the columns that were sent."""
        sent = self.model_dump(mode="json", exclude_unset=True)
        if "event_types" in sent:
            sent["event_types"] = list(expand_event_types(sent["event_types"]))
        return sent


class EndpointTest(Body):
    """Which event to send, and with which data."""

    event_type: Annotated[
        EventType,
        Field(description="`endpoint.test` in live mode. In test mode any type."),
    ] = EventType.ENDPOINT_TEST
    data: Annotated[
        dict[str, Any] | None,
        AfterValidator(_storable_data),
        Field(
            description=(
                "In test mode: the `data` of the event, in place of the example's. It must fit the published schema of "
                "the type, with no other field; begin with `test_data` of `GET /event_types/{event_type}`. Fields "
                "about a person stay empty, because events are kept permanently. At most "
                f"{TEST_EVENT_BYTES_MAX} bytes as JSON."
            ),
            examples=[{"object": "endpoint_test", "endpoint_id": "whe_01m7yv51wdc6tzp8g6hb86sqk6", "message": "Hello"}],
        ),
    ] = None

    def asked(self) -> TestEvent:
        """Return the command for the application service."""
        return TestEvent(self.event_type, self.data)

    def problems(self) -> list[FieldProblem]:
        """Return what keeps the data from being sent as an event of this type, and where."""
        found = [] if self.data is None else misfits(self.event_type, self.data)
        return [FieldProblem(field=".".join(filter(None, ("data", each.place))), message=each.reason) for each in found]


class SecretRotation(Body):
    """How to change the secret."""

    overlap_s: Annotated[
        int | None,
        Field(
            strict=True,
            ge=0,
            le=OVERLAP_S_MAX,
            description=(
                "Seconds during which the old secret also signs. 0 ends it at once; null uses the server default."
            ),
        ),
    ] = None


class RecoveryCreate(Body):
    """Which events to send again to an endpoint."""

    since: Annotated[
        Time,
        Field(description="The time of the first event, with its offset; at most 90 days ago.", examples=[SINCE]),
    ]
    until: Annotated[Time | None, Field(description="Events before this time. null: before now.")] = None
    include: Annotated[
        RecoveryScope,
        Field(
            description=(
                "`failed`: deliveries that failed. `all_missing`: these, the cancelled ones, and events without a "
                "delivery because the endpoint was disabled or not registered."
            )
        ),
    ] = RecoveryScope.ALL_MISSING

    def asked(self) -> RecoveryRequest:
        """Return the command for the application service."""
        return RecoveryRequest(self.since, self.until, self.include)


class RecoveryResource(Resource):
    """A recovery of an endpoint, with the progress of its deliveries."""

    id: str
    object: Literal["webhook_recovery"] = "webhook_recovery"
    endpoint_id: str
    include: RecoveryScope
    since: Moment
    until: Moment
    status: Annotated[
        RecoveryStatus,
        Field(description="`completed`: every delivery was started. `stopped`: the endpoint was disabled or deleted."),
    ]
    stopped_reason: str | None
    recovered: Annotated[int, Field(description="Number of deliveries started so far.")]
    pending: Annotated[int, Field(description="Number of them that still wait for an attempt.")]
    delivered: int
    failed: int
    cancelled: int
    created_at: Moment
    updated_at: Moment


class EndpointResource(Resource):
    """Where webhooks are sent."""

    id: str
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    url: str
    description: str | None
    event_types: Annotated[list[str], Field(description='Event types that the endpoint receives. `["*"]` means all.')]
    retry_intervals_s: Annotated[
        list[int] | None, Field(description="Seconds between delivery attempts. null means the server default.")
    ]
    status: EndpointStatus
    disabled_reason: str | None
    previous_secret_expires_at: Annotated[
        Moment | None, Field(description="When the previous secret stops signing. null: there is none.")
    ]
    created_at: Moment
    updated_at: Moment


class EndpointWithSecret(EndpointResource):
    """An endpoint with the secret that signs its webhooks."""

    secret: Annotated[
        str, Field(description="The signing secret. It is shown only in this answer; store it to verify signatures.")
    ]


def endpoint_resource(row: Row[Any]) -> EndpointResource:
    """Render a row of `webhook_endpoints`."""
    return EndpointResource(**_shown(row))


def endpoint_with_secret(made: commands.EndpointWithSecret) -> EndpointWithSecret:
    """Render an endpoint with its secret, for the two answers that may hold it."""
    return EndpointWithSecret(**_shown(made.row), secret=made.secret)


def recovery_resource(found: Recovery) -> RecoveryResource:
    """Render a recovery."""
    row = found.row
    return RecoveryResource(
        id=row.id,
        endpoint_id=row.endpoint_id,
        include=row.scope,
        since=row.since,
        until=row.until,
        status=row.status,
        stopped_reason=row.stopped_reason,
        recovered=row.recovered,
        **{status.value: found.counts.get(status.value, 0) for status in DeliveryStatus},
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": row.url,
        "description": row.description,
        "event_types": row.event_types or [ALL],
        "retry_intervals_s": row.retry_intervals_s,
        "status": row.status,
        "disabled_reason": row.disabled_reason,
        "previous_secret_expires_at": row.previous_secret_expires_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
