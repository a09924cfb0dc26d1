"""The shapes of a webhook delivery: in lists, and with all its attempts. What was sent is shown, secrets are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import Row

from clearway.crypto.encryption import Cipher
from clearway.db.deliveries.reading import response_context
from clearway.db.events import body_of
from clearway.domain.delivery import AttemptTrigger, DeliveryStatus
from clearway.domain.resources import Moment, Resource
from clearway.durable.messages import RetryOutcome


class DeliveryResource(Resource):
    """The delivery of one event to one endpoint."""

    id: str
    object: Literal["webhook_delivery"] = "webhook_delivery"
    event_id: str
    event_type: str
    endpoint_id: str
    payment_id: str | None
    status: DeliveryStatus
    attempt_count: Annotated[int, Field(description="Number of attempts so far, manual retries included.")]
    next_attempt_at: Moment | None
    last_response_status: int | None
    last_error: Annotated[
        str | None, Field(description="Why the last attempt failed, or why there will be no attempt.")
    ]
    created_at: Moment
    updated_at: Moment


class AttemptRequest(Resource):
    """What was sent."""

    method: Literal["POST"] = "POST"
    url: str
    headers: dict[str, str]
    body: Annotated[str, Field(description="Exactly the bytes that the signatures cover.")]


class AttemptResponse(Resource):
    """The response, as far as it was read."""

    status: int
    headers: dict[str, str]
    body: str


class AttemptResource(Resource):
    """One attempt."""

    number: int
    trigger: Annotated[
        AttemptTrigger,
        Field(
            description="`schedule`: the delivery's schedule. `manual`: a request. `recovery`: a recovery's schedule."
        ),
    ]
    request: AttemptRequest
    response: Annotated[AttemptResponse | None, Field(description="null: no answer came.")]
    duration_ms: int
    error_code: str | None
    error: str | None
    created_at: Moment


class DeliveryDetail(DeliveryResource):
    """A delivery with its attempts, oldest first."""

    attempts: list[AttemptResource]


class RetryAttempt(Resource):
    """The result of the attempt that a retry requested."""

    number: int
    response_status: Annotated[int | None, Field(description="null: no answer came.")]
    error_code: Annotated[str | None, Field(description="null: the endpoint answered with 2xx.")]
    error: str | None
    duration_ms: int


class RetriedDelivery(DeliveryResource):
    """The delivery after the attempt that was requested."""

    attempt: Annotated[RetryAttempt | None, Field(description="null: the attempt is still in progress.")]


def delivery_resource(row: Row[Any]) -> DeliveryResource:
    """Render a row of `webhook_deliveries`."""
    return DeliveryResource(**_shown(row))


def delivery_detail(row: Row[Any], attempts: Sequence[Row[Any]], cipher: Cipher) -> DeliveryDetail:
    """Render a row of `reading.find_delivery`, with rows of `webhook_attempts`."""
    body = body_of(row)
    return DeliveryDetail(**_shown(row), attempts=[_attempt(attempt, body, cipher) for attempt in attempts])


def retried_delivery(row: Row[Any], outcome: RetryOutcome | None) -> RetriedDelivery:
    """Render a delivery with the result of its retry."""
    attempt = None
    if outcome is not None:
        attempt = RetryAttempt(
            number=outcome.number,
            response_status=outcome.response_status,
            error_code=outcome.error_code,
            error=outcome.error,
            duration_ms=outcome.duration_ms,
        )
    return RetriedDelivery(**_shown(row), attempt=attempt)


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "event_id": row.event_id,
        "event_type": row.event_type,
        "endpoint_id": row.endpoint_id,
        "payment_id": row.payment_id,
        "status": row.status,
        "attempt_count": row.attempt_count,
        "next_attempt_at": row.next_attempt_at,
        "last_response_status": row.last_response_status,
        "last_error": row.last_error,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _attempt(row: Row[Any], body: str, cipher: Cipher) -> AttemptResource:
    return AttemptResource(
        number=row.number,
        trigger=row.trigger,
        request=AttemptRequest(url=row.url, headers=row.request_headers, body=body),
        response=_response(row, cipher),
        duration_ms=row.duration_ms,
        error_code=row.error_code,
        error=row.error,
        created_at=row.created_at,
    )


def _response(row: Row[Any], cipher: Cipher) -> AttemptResponse | None:
    if row.response_status is None:
        return None
    sealed = row.response_body
    body = cipher.decrypt(sealed, response_context(row.delivery_id)) if sealed else ""
    return AttemptResponse(status=row.response_status, headers=row.response_headers or {}, body=body)
