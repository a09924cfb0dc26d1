"""The outcome of one delivery attempt, with everything that its record shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus


class SendError(StrEnum):
    """Why an attempt did not succeed. Stable: shown on the attempt and used in the merchants' documentation."""

    INVALID_URL = "invalid_url"
    BLOCKED_ADDRESS = "blocked_address"
    DNS_FAILURE = "dns_failure"
    CONNECT_FAILED = "connect_failed"
    TLS_ERROR = "tls_error"
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    PROTOCOL_ERROR = "protocol_error"
    REDIRECT = "redirect"
    HTTP_STATUS = "http_status"


@dataclass(frozen=True)
class SendResult:
    """The outcome of one attempt.

    Attributes:
        status: The HTTP status, when one was read. A status does not mean success: see `succeeded`.
        response_headers: Lower-case names; repeated headers joined by a comma.
        response_body: The beginning of the body as text, at most the policy's `response_bytes_max` bytes of it.
        duration_ms: From the look-up to the end of the answer, or to the failure.
        error_code: None on success.
        error: The same for people, in a sentence.
        retry_after_s: What `Retry-After` asked for, unbounded.
    """

    status: int | None
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: str = ""
    duration_ms: int = 0
    error_code: SendError | None = None
    error: str | None = None
    retry_after_s: float | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the endpoint took the message: a 2xx status, and an answer that ended in time."""
        return self.error_code is None and self.status is not None and HTTPStatus(200) <= self.status < HTTPStatus(300)
