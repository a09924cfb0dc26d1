"""The mapping of rows: a fresh row has every column of its table, and what is written is read back the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Final

from clearway.db.payments import rows as payment_rows
from clearway.db.refunds import rows as refund_rows
from clearway.db.tables import payments, refunds
from clearway.domain.payment import NewPayment, PaymentStatus, PersonalData, begun
from clearway.domain.refund import NewRefund

NOW: Final = datetime(2026, 11, 25, tzinfo=UTC)
NEW: Final = NewPayment(
    id="pay_1",
    merchant_id="mer_1",
    order_id="order_1",
    amount_minor=500,
    currency="INR",
    method="upi",
    capture_method="manual",
    personal="sealed",
    gateway_id="gw_1",
)
PERSONAL: Final = PersonalData(
    instrument="ann@upi", shown={"vpa": "a**@upi"}, customer={"email": "ann@x.test"}, notes={"a": "b"}
)


def test_a_fresh_row_has_every_column() -> None:
    """A column that a table gains is filled or the test names it: rows are not read back after they are written."""
    payment = payment_rows.first_row(NEW, PERSONAL, "sealed too", NOW)
    new = NewRefund("rfnd_1", "mer_1", "pay_1", None)
    refund = refund_rows.first_row(new, begun(NEW), 500, NOW, capture_id="cap_1")
    assert set(vars(payment)) == set(payments.c.keys()) - {"order_currency"}, "the database computes that one"
    assert set(vars(refund)) == set(refunds.c.keys())


def test_what_is_written_is_read_back() -> None:
    """The payment of a fresh row is the payment that was begun; a change of it is in the columns that may move."""
    row = payment_rows.first_row(NEW, PERSONAL, None, NOW)
    payment = payment_rows.payment_of(row)
    assert payment == begun(NEW)
    assert payment_rows.new_payment_of(row) == NEW

    failed = replace(payment, status=PaymentStatus.FAILED, error_code="declined", version=1, last_step="1")
    after = SimpleNamespace(**vars(row) | payment_rows.columns_after(failed, NOW))
    assert payment_rows.payment_of(after) == failed
    assert after.status == "failed"
    assert type(after.status) is str


def test_merchants_see_what_may_be_shown() -> None:
    """The resource holds the shown part of the instrument, never the instrument itself."""
    shown = payment_rows.resource_of(payment_rows.first_row(NEW, PERSONAL, None, NOW))
    assert (shown.vpa, shown.amount, shown.amount_captured, shown.captured) == ("a**@upi", 500, 0, False)
