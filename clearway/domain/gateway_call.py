"""Calls to gateways, as they are measured: which call, how long it took, and how it failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CallOperation(StrEnum):
    """What the connector was called for."""

    PREPARE = "prepare"
    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    ABORT = "abort"
    RECOVER = "recover"


@dataclass(frozen=True, slots=True)
class MeasuredCall:
    """One call of a connector. It holds no personal data, no credentials and nothing of a request or an answer.

    operation_key: the key of the operation, which all repeats have. attempt: the number in the key. outcome, executed:
    what the connector answered. failure: the kind of technical failure, or None. error_code: unified. http_status: of
    the last HTTP answer, if there was one. method: of an authorisation.
    """

    id: str
    merchant_id: str
    gateway_id: str
    operation: CallOperation
    payment_id: str
    operation_key: str
    attempt: int
    amount_minor: int
    currency: str
    method: str | None
    started_at: datetime
    latency_ms: int
    outcome: str
    executed: str
    failure: str | None
    error_code: str | None
    http_status: int | None
