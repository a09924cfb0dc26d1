"""What a failure means for the next attempt: elsewhere, or with the same instrument later.

`executed` is the connector's and is never changed here. Only failures are looked at, so a success costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from clearway.domain.gateway_error import Elsewhere
from clearway.gateways.contract import Executed, GatewayOutcome, OutcomeKind
from clearway.gateways.errors.overrides import NONE, Overrides
from clearway.gateways.errors.rows import ErrorRow
from clearway.gateways.errors.table import TABLE, classify, never_again

SOFT: Final = frozenset(
    {"bank_unavailable", "card_velocity_exceeded", "gateway_unavailable", "insufficient_funds", "processing_error"}
)
"""Decline codes of a passing cause: the same instrument may succeed later."""
GENERIC: Final = frozenset({"card_declined", "payment_declined"})
"""Decline codes without a reason: soft only where the table lets another gateway try."""

FORBIDDING: Final = frozenset({"lost_card", "stolen_card"})
"""Decline codes after which the networks forbid another try of the card."""
RAW_FORBIDDING: Final[Mapping[str, frozenset[str]]] = {
    "stripe": frozenset(
        {
            *("do_not_try_again", "invalid_account", "pickup_card", "stop_payment_order"),
            *("revocation_of_authorization", "revocation_of_all_authorizations"),
        }
    )
}
"""The same in a gateway's own codes, where the unified code says less."""


def judged(outcome: GatewayOutcome, kind: str, operation: str, overrides: Overrides = NONE) -> GatewayOutcome:
    """Return the outcome with what the table says of it. kind: of the gateway. overrides: the merchant's own rows."""
    if outcome.kind in {OutcomeKind.RETRYABLE, OutcomeKind.NOT_FOUND} and outcome.executed is Executed.NO:
        return surely_not_executed(outcome)
    if outcome.kind is not OutcomeKind.DECLINED:
        return outcome
    outcome = replace(outcome, never_again=_never_again(kind, outcome))
    row = classify(
        *(kind, operation, outcome.raw_code, outcome.network_code),
        advice_code=outcome.advice_code,
        overrides=overrides,
    )
    if row.known:
        if overrides:
            outcome = _in_the_merchants_words(outcome, row, classify(kind, operation, outcome.raw_code))
        worth_again_s = None if outcome.never_again else _worth_again_s(row, outcome.error_code)
        return replace(outcome, elsewhere=row.elsewhere, worth_again_s=worth_again_s)
    unified = TABLE.unified.get(outcome.error_code or "")
    if unified is None:
        # Nothing says why. What was surely not executed may be tried elsewhere, a real decline may not.
        elsewhere = Elsewhere.YES if outcome.executed is Executed.NO else Elsewhere.NO
        return replace(outcome, elsewhere=elsewhere)
    worth_again_s = (unified.wait_s or 0) if unified.decline_code in SOFT else None
    return replace(outcome, elsewhere=unified.elsewhere, worth_again_s=worth_again_s)


def surely_not_executed(outcome: GatewayOutcome) -> GatewayOutcome:
    """Return a failure that moved nothing: another gateway may try, and so may this one."""
    return replace(outcome, executed=Executed.NO, elsewhere=Elsewhere.YES, worth_again_s=0)


def _in_the_merchants_words(outcome: GatewayOutcome, row: ErrorRow, published: ErrorRow) -> GatewayOutcome:
    """Return the outcome with the code and the text of the merchant's row, where it differs from the table."""
    changes: dict[str, str | None] = {}
    if row.decline_code != published.decline_code:
        changes["error_code"] = row.decline_code
    if row.merchant_text != published.merchant_text:
        changes["error_description"] = row.merchant_text
    return replace(outcome, **changes) if changes else outcome  # type: ignore[arg-type]


def _never_again(kind: str, outcome: GatewayOutcome) -> bool:
    if outcome.executed is not Executed.YES:
        return False  # the card's network was not asked
    by_code = outcome.error_code in FORBIDDING or outcome.raw_code in RAW_FORBIDDING.get(kind, ())
    return by_code or never_again(outcome.network_code, outcome.advice_code)


def _worth_again_s(row: ErrorRow, code: str | None) -> int | None:
    if row.network_code in TABLE.networks and row.elsewhere is Elsewhere.NO and row.wait_s is None:
        return None  # the card network forbids another try
    is_soft = code in SOFT or (code in GENERIC and row.elsewhere is Elsewhere.YES)
    return (row.wait_s or 0) if is_soft else None
