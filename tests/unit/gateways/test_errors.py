"""The error table: complete, free of contradictions, and careful with what it does not know."""

from __future__ import annotations

from typing import Any

import pytest

from clearway.domain.errors import DECLINE_CODES
from clearway.domain.gateway_error import Cause, Elsewhere
from clearway.gateways.contract import Executed, OutcomeKind
from clearway.gateways.errors import TABLE, ErrorRow, by_decline_code, classify
from clearway.simulator.failures import CARD_MESSAGES, MESSAGES

ROWS = [row for rows in TABLE.rows.values() for row in rows]
SECRET_REASONS = ("lost", "stolen", "fraud", "block list", "risk")


@pytest.mark.parametrize("failure", [*MESSAGES, *CARD_MESSAGES])
def test_every_failure_of_the_simulator_has_a_row(failure: str) -> None:
    """Every failure of the simulator has a row in the table."""
    operations = ("authorise", "capture", "void", "refund")

    assert any(classify("simulator", operation, failure).known for operation in operations)


def test_every_decline_code_of_stripe_has_a_row() -> None:
    """All 47 decline codes that Stripe publishes are classified for an authorisation."""
    published = [
        "approve_with_id",
        "authentication_required",
        "call_issuer",
        "card_not_supported",
        "card_velocity_exceeded",
        "currency_not_supported",
        "do_not_honor",
        "do_not_try_again",
        "duplicate_transaction",
        "expired_card",
        "fraudulent",
        "generic_decline",
        "incorrect_cvc",
        "incorrect_number",
        "incorrect_pin",
        "incorrect_zip",
        "insufficient_funds",
        "invalid_account",
        "invalid_amount",
        "invalid_cvc",
        "invalid_expiry_month",
        "invalid_expiry_year",
        "invalid_number",
        "invalid_pin",
        "issuer_not_available",
        "lost_card",
        "merchant_blacklist",
        "new_account_information_available",
        "no_action_taken",
        "not_permitted",
        "offline_pin_required",
        "online_or_offline_pin_required",
        "pickup_card",
        "pin_try_exceeded",
        "processing_error",
        "reenter_transaction",
        "restricted_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "security_violation",
        "service_not_allowed",
        "stolen_card",
        "stop_payment_order",
        "testmode_decline",
        "transaction_not_allowed",
        "try_again_later",
        "withdrawal_count_limit_exceeded",
    ]

    assert len(published) == 47
    assert [code for code in published if not classify("stripe", "authorise", code).known] == []


def test_what_is_not_known_is_no_decline() -> None:
    """An error without a row may have been executed: it is asked about, and nobody else may be tried."""
    row = classify("stripe", "authorise", ["a_new_code", None])

    assert not row.known
    assert (row.outcome, row.executed, row.elsewhere) == (OutcomeKind.UNKNOWN, Executed.MAYBE, Elsewhere.NO)
    assert classify("no_such_kind", "refund", "card_declined").outcome is OutcomeKind.UNKNOWN
    assert classify("stripe", "authorise", None).outcome is OutcomeKind.UNKNOWN


def test_the_first_code_with_a_row_decides() -> None:
    """A decline code that is too new falls back to the code and the type that the gateway gives with it."""
    row = classify("stripe", "authorise", ["a_new_code", "card_declined", "card_error"])

    assert (row.code, row.decline_code, row.outcome) == ("card_declined", "card_declined", OutcomeKind.DECLINED)


def test_a_code_means_what_its_operation_says() -> None:
    """The same code of another operation has a row of its own."""
    assert classify("stripe", "authorise", "insufficient_funds").decline_code == "insufficient_funds"
    assert classify("stripe", "refund", "insufficient_funds").decline_code == "refund_failed"


@pytest.mark.parametrize("code", ["api_error", "idempotency_key_in_use", "payment_method_provider_timeout"])
def test_what_may_have_been_executed_goes_nowhere_else(code: str) -> None:
    """After a time-out or a 500, the payment never goes to another gateway."""
    row = classify("stripe", "authorise", code)

    assert (row.outcome, row.elsewhere, row.decline_code) == (OutcomeKind.UNKNOWN, Elsewhere.NO, None)


def test_a_rate_limit_may_be_repeated_here_and_tried_elsewhere() -> None:
    """What was surely not executed is RETRYABLE."""
    row = classify("stripe", "capture", "rate_limit")

    assert (row.outcome, row.executed, row.elsewhere) == (OutcomeKind.RETRYABLE, Executed.NO, Elsewhere.YES)


def test_a_network_code_closes_and_never_opens() -> None:
    """What a card network forbids is forbidden, even if the gateway's code allows it; the reverse does not hold."""
    generic = classify("stripe", "authorise", "generic_decline")
    closed = classify("stripe", "authorise", "generic_decline", "visa:43")
    advised = classify("stripe", "authorise", "generic_decline", advice_code="25")
    lost = classify("stripe", "authorise", "lost_card", "visa:1A")

    assert (generic.elsewhere, closed.elsewhere) == (Elsewhere.YES, Elsewhere.NO)
    assert (advised.elsewhere, advised.wait_s) == (Elsewhere.NO, 86_400)
    assert lost.elsewhere is Elsewhere.NO


def test_a_row_without_details_takes_those_of_its_decline_code() -> None:
    """The text, the cause and the wait of a decline code stand in one place."""
    row, unified = classify("stripe", "authorise", "expired_card"), by_decline_code("expired_card")

    assert (row.merchant_text, row.customer_text) == (DECLINE_CODES["expired_card"], unified.customer_text)
    assert (row.cause, row.elsewhere) == (Cause.CUSTOMER, Elsewhere.NO)


@pytest.mark.parametrize("row", [*ROWS, *TABLE.unified.values()], ids=repr)
def test_a_customer_does_not_learn_a_secret_reason(row: Any) -> None:
    """A customer's text never says lost, stolen or suspected: those reasons are for the merchant only."""
    assert not any(word in (row.customer_text or "").lower() for word in SECRET_REASONS)


@pytest.mark.parametrize(
    "changed",
    [
        {"executed": Executed.MAYBE},
        {"decline_code": None},
        {"decline_code": "no_such_code"},
        {"again": True},
        {"operation": "charge"},
        {"merchant_text": ""},
    ],
    ids=str,
)
def test_a_row_that_contradicts_itself_is_refused(changed: dict[str, Any]) -> None:
    """In doubt there is no decline code and no other gateway; what is decided is not sent again."""
    sound = {
        "gateway": "stripe",
        "operation": "authorise",
        "code": "x",
        "network_code": "",
        "decline_code": "card_declined",
        "executed": Executed.YES,
        "again": False,
        "cause": Cause.ISSUER,
        "elsewhere": Elsewhere.NO,
        "wait_s": None,
        "merchant_text": "No money was taken.",
        "customer_text": None,
    }
    ErrorRow(**sound)

    with pytest.raises(AssertionError):
        ErrorRow(**sound | changed)
