"""Square's errors as outcomes: by the code and the table, never by the category. Pure.

`TEMPORARY_ERROR` has the category of declines and is none. An error without a row is unknown, not a decline.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from clearway.egress.retry_after import retry_after_s
from clearway.gateways.contract import Executed, GatewayOutcome, OperationKind, OutcomeKind, decline_code
from clearway.gateways.errors import classify

KIND: Final = "square"
KEY_REUSED: Final = "IDEMPOTENCY_KEY_REUSED"
USED: Final = frozenset({"CARD_TOKEN_USED", "SOURCE_USED"})
"""A token serves once, so an earlier request with it may have made the payment."""
_SERVER_ERROR: Final = 500


def code_of(errors: object) -> str | None:
    """Return the first code in a list of errors."""
    first = errors[0] if isinstance(errors, list) and errors else None
    code = first.get("code") if isinstance(first, Mapping) else None
    return code if isinstance(code, str) and code else None


def outcome_of_error(
    kind: OperationKind, status: int, headers: Mapping[str, str], body: Mapping[str, Any]
) -> GatewayOutcome:
    """Classify an answer that is an error. A declined payment is in it, too."""
    asked_s = retry_after_s(headers.get("retry-after"), datetime.now(UTC))
    if status >= _SERVER_ERROR:
        return GatewayOutcome(OutcomeKind.UNKNOWN, retry_after_s=asked_s)
    code = code_of(body.get("errors"))
    row = classify(KIND, kind.value, [code, str(status)])
    wait_s = asked_s if asked_s is not None else row.wait_s
    if row.outcome is not OutcomeKind.DECLINED:
        return GatewayOutcome(row.outcome, raw_code=code, retry_after_s=wait_s)
    payment = body.get("payment")
    payment_id = payment.get("id") if isinstance(payment, Mapping) else None
    return GatewayOutcome(
        OutcomeKind.DECLINED,
        Executed(row.executed.value),
        references={"payment": payment_id} if isinstance(payment_id, str) and payment_id else {},
        error_code=decline_code(kind, row.decline_code),
        raw_code=code,
        error_description=row.merchant_text,
    )


def declined(kind: OperationKind, code: str | None, references: Mapping[str, str]) -> GatewayOutcome:
    """Return the outcome of an object that says why it failed; a code without a row is still the end of it."""
    row = classify(KIND, kind.value, code)
    return GatewayOutcome(
        OutcomeKind.DECLINED,
        Executed.NO if row.executed is Executed.NO else Executed.YES,
        references=references,
        error_code=decline_code(kind, row.decline_code),
        raw_code=code,
        error_description=row.merchant_text if row.decline_code else None,
    )


def not_sent(kind: OperationKind, message: str) -> GatewayOutcome:
    """Return the decline of a request that surely moved nothing."""
    code = decline_code(kind, None)
    return GatewayOutcome(OutcomeKind.DECLINED, Executed.NO, error_code=code, error_description=message)
