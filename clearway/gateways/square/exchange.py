"""One exchange with Square: its answer, or an outcome when there is no readable answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from square.core.api_error import ApiError
from square.core.http_response import AsyncHttpResponse

from clearway.gateways.contract import (
    UNKNOWN,
    AnswerUnreadableError,
    GatewayOutcome,
    KeyMisusedError,
    OperationKind,
    OutcomeKind,
)
from clearway.gateways.http import NOT_SENT, PROGRAMMER_ERRORS
from clearway.gateways.square import errors

ONCE: Final[Any] = {"max_retries": 0}
"""Options of every call: the SDK repeats a 5xx, 408, 409 and 429 twice unless it is told not to."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer as plain data, or else an outcome with the code of the error."""

    body: Mapping[str, Any] | None = None
    outcome: GatewayOutcome = UNKNOWN
    code: str | None = None


async def ask(kind: OperationKind, send: Callable[[], Awaitable[AsyncHttpResponse[Any]]]) -> Answer:
    """Send once, and return the body as it came: the SDK's models take any type for an amount."""
    answered = await classified(kind, send)
    if isinstance(answered, Answer):
        return answered
    body = answered._response.json()  # noqa: SLF001 - the SDK shows the raw body nowhere else
    return Answer(body) if isinstance(body, dict) else Answer()


async def classified(kind: OperationKind, send: Callable[[], Awaitable[Result]]) -> Result | Answer:
    """Send once; return what the SDK returns, or how it failed. Raises KeyMisusedError."""
    try:
        return await send()
    except ApiError as error:
        return _of_error(kind, error)
    except NOT_SENT:
        return Answer(outcome=GatewayOutcome(OutcomeKind.RETRYABLE))
    except PROGRAMMER_ERRORS:
        raise
    except Exception:  # noqa: BLE001 - the SDK fails in many ways on a body that is none of Square's
        return Answer()


def _of_error(kind: OperationKind, error: ApiError) -> Answer:
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    body = error.body if isinstance(error.body, Mapping) else {}
    code = errors.code_of(body.get("errors"))
    if code == errors.KEY_REUSED:
        raise KeyMisusedError("Square has seen this idempotency key with another request")
    try:
        return Answer(outcome=errors.outcome_of_error(kind, error.status_code or 0, headers, body), code=code)
    except AnswerUnreadableError:
        return Answer()
