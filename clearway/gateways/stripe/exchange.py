"""One exchange with Stripe: its answer, or an outcome when there is no readable answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import stripe

from clearway.gateways.contract import (
    UNKNOWN,
    AnswerUnreadableError,
    GatewayOutcome,
    KeyMisusedError,
    OperationKind,
    OutcomeKind,
)
from clearway.gateways.http import NOT_SENT, PROGRAMMER_ERRORS
from clearway.gateways.stripe import mapping

Send = Callable[[], Awaitable[stripe.StripeObject]]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer: the object as plain data, or else an outcome.

    replayed: Stripe repeats what it answered first. moved: an error only says that the object is in another state.
    """

    body: Mapping[str, Any] | None = None
    outcome: GatewayOutcome | None = None
    replayed: bool = False
    moved: bool = False


async def ask(kind: OperationKind, send: Send) -> Answer:
    """Send once, and classify the answer. Raises KeyMisusedError, and the SDK's errors about wrong calls."""
    try:
        answered = await send()
        headers = dict(answered.last_response.headers) if answered.last_response else {}
        return Answer(answered.to_dict(), replayed=_is_replayed(headers))
    except stripe.StripeError as error:
        return _of_error(kind, error)
    except NOT_SENT:
        return Answer(outcome=GatewayOutcome(OutcomeKind.RETRYABLE))
    except PROGRAMMER_ERRORS:
        raise
    except (httpx.HTTPError, TimeoutError):
        return Answer(outcome=UNKNOWN)
    except Exception:  # noqa: BLE001 - the SDK fails in many ways on a body that is none of Stripe's
        return Answer(outcome=UNKNOWN)


def _is_replayed(headers: Mapping[str, str]) -> bool:
    return any(name.lower() == "idempotent-replayed" and value == "true" for name, value in headers.items())


def _of_error(kind: OperationKind, error: stripe.StripeError) -> Answer:
    headers = {str(name).lower(): str(value) for name, value in dict(error.headers or {}).items()}
    body = mapping.error_of(error.json_body)
    if body.get("type") == "idempotency_error":
        raise KeyMisusedError("Stripe has seen this idempotency key with another request")
    try:
        outcome = mapping.outcome_of_error(kind, error.http_status or 0, headers, body)
    except AnswerUnreadableError:
        outcome = UNKNOWN
    return Answer(outcome=outcome, replayed=_is_replayed(headers), moved=mapping.is_moved(body))
