"""The step that compares the gateway's operations with what is recorded of each.

What the database lost is recorded again by recovery, from its workflow. Nothing is ever edited here.
"""

from __future__ import annotations

from typing import Any, Final

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.service import RPCError

from clearway.db.reconciliation import recorded, reported
from clearway.db.reconciliation.recorded import Known
from clearway.domain import payment
from clearway.domain.attempt import is_closing
from clearway.domain.ids import subject_of
from clearway.domain.payment import PaymentStatus
from clearway.domain.reconciliation import Comparison, Finding, ItemKind, operation_subject
from clearway.domain.refund import RefundStatus
from clearway.gateways.contract import OperationKind, OutcomeKind
from clearway.reconciliation.running import PAGE, Page, Write, Written
from clearway.recovery.books import UNAUTHORISED
from clearway.recovery.rebuilding import rebuild

MOVED: Final = frozenset({OutcomeKind.APPROVED.value})
REBUILT_MAX: Final = 20
"""Workflows that one page starts or asks. The next run takes the rest."""

log = structlog.get_logger(__name__)


async def operations(page: Page) -> Write:
    """Compare a page of the operations that this run listed."""
    async with page.reconciler.reader.connect() as connection:
        listed = await reported.operations_of(connection, page.run, page.run.cursor or "", PAGE)
        known = await _known(connection, page.run, listed)
    rebuilt = await _rebuild(page, [row for row in listed if _is_lost(row, known)])

    async def write_page(connection: AsyncConnection) -> Written:
        written = Written.of([row.id for row in listed])
        for row in listed:
            found = _judge(page, row, known)
            if found is not None:
                found.detail.update({"recovery": rebuilt[row.id]} if row.id in rebuilt else {})
                written.findings.append(found)
        await page.close_gone(connection, Comparison.OPERATIONS, [operation_subject(row.id) for row in listed], written)
        await page.close_gone(connection, Comparison.OPERATIONS, _listed_subjects(listed), Written())
        written.count("operations_compared", len(listed))
        return written

    return write_page


async def _known(connection: AsyncConnection, run: Row[Any], listed: Any) -> Known:
    named = {subject_of(row.operation_key) for row in listed} | {row.payment_id for row in listed}
    return await recorded.known(connection, run.merchant_id, {each for each in named if each})


async def _rebuild(page: Page, lost: list[Row[Any]]) -> dict[str, str]:
    """Have recovery bring back payments and refunds of Clearway that the database does not have."""
    done: dict[str, str] = {}
    for row in lost[:REBUILT_MAX]:
        try:
            done[row.id] = (await rebuild(page.reconciler.recovery, subject_of(row.operation_key) or "")).value
        except (RPCError, RuntimeError) as error:
            log.warning("not_rebuilt", operation=row.id, reason=type(error).__name__)
    return done


def _is_lost(row: Row[Any], known: Known) -> bool:
    """Return whether an operation of Clearway moved money, and its payment or refund is not as far or not there."""
    owner = subject_of(row.operation_key)
    if owner is None or row.outcome not in MOVED:
        return False
    if owner in known.refunds:
        return bool(known.refunds[owner].status == RefundStatus.PENDING.value)
    if owner in known.payments:
        is_open = known.payments[owner].status in UNAUTHORISED - {PaymentStatus.FAILED}
        return is_open and bool(row.kind == OperationKind.AUTHORISE.value)
    return True


def _judge(page: Page, row: Row[Any], known: Known) -> Finding | None:
    """Return how an operation differs from what is recorded, if it does."""
    owner = subject_of(row.operation_key)
    refund, paid = known.refunds.get(owner or ""), known.payments.get(row.payment_id or owner or "")
    if owner is None and row.outcome in MOVED and row.kind != OperationKind.VOID.value:
        kind: ItemKind | None = ItemKind.MISSING_WITH_US
    elif row.kind == OperationKind.REFUND.value:
        kind = _of_refund(row, refund)
    elif paid is None:
        kind = ItemKind.MISSING_WITH_US if row.outcome in MOVED and row.kind != OperationKind.VOID.value else None
    elif page.run.gateway_id not in known.gateways[paid.id]:
        kind = None  # Another configuration has the same account: it compares this payment.
    else:
        kind = _of_payment(row, paid)
    if kind is None:
        return None
    if page.window(page.lists.operations_lag_s).is_young(row.created_at):
        kind = ItemKind.TOO_EARLY
    return _finding(row, kind, paid, refund)


def _of_refund(row: Row[Any], refund: Row[Any] | None) -> ItemKind | None:
    moved = row.outcome in MOVED
    if refund is None:
        return ItemKind.MISSING_WITH_US if moved else None
    if refund.status == RefundStatus.NEEDS_REVIEW.value:
        return None
    if moved and row.currency not in {None, refund.currency}:
        return ItemKind.CURRENCY_DIFFERS
    if moved and row.amount_minor not in {None, refund.amount_minor}:
        return ItemKind.AMOUNT_DIFFERS
    if moved != (refund.status == RefundStatus.PROCESSED.value) and row.outcome != OutcomeKind.PENDING.value:
        return ItemKind.STATE_DIFFERS
    return None


def _of_payment(row: Row[Any], paid: Row[Any]) -> ItemKind | None:
    if paid.status == PaymentStatus.NEEDS_REVIEW.value:
        return None
    if row.outcome == OutcomeKind.DECLINED.value:
        taken = row.kind == OperationKind.AUTHORISE.value and paid.captured_minor > 0
        counts = row.reference is not None and row.reference == paid.gateway_reference  # not an earlier attempt
        return ItemKind.STATE_DIFFERS if taken and counts else None
    return _of_moved(row, paid) if row.outcome in MOVED else None


def _of_moved(row: Row[Any], paid: Row[Any]) -> ItemKind | None:
    if row.kind == OperationKind.VOID.value:
        done = paid.status in payment.FINAL or is_closing(row.operation_key or "")
        return None if done else ItemKind.STATE_DIFFERS
    if row.currency not in {None, paid.currency}:
        return ItemKind.CURRENCY_DIFFERS
    if row.kind == OperationKind.AUTHORISE.value:
        return _of_authorisation(row, paid)
    return ItemKind.STATE_DIFFERS if paid.captured_minor < (row.amount_minor or 0) else None


def _of_authorisation(row: Row[Any], paid: Row[Any]) -> ItemKind | None:
    if paid.status in UNAUTHORISED or (row.captured and not paid.captured_minor):
        return ItemKind.STATE_DIFFERS
    recorded_minor = paid.captured_minor if row.captured else paid.amount_minor
    return ItemKind.AMOUNT_DIFFERS if row.amount_minor not in {None, recorded_minor} else None


def _finding(row: Row[Any], kind: ItemKind, paid: Row[Any] | None, refund: Row[Any] | None) -> Finding:
    expected = refund.amount_minor if refund is not None else paid.captured_minor if paid is not None else 0
    found = row.amount_minor
    differs = kind is ItemKind.AMOUNT_DIFFERS and found is not None
    return Finding(
        Comparison.OPERATIONS,
        kind,
        operation_subject(row.id),
        abs(found - expected) if differs else abs(found or expected),
        row.currency or (paid.currency if paid is not None else None),
        expected_minor=expected,
        found_minor=found,
        payment_id=paid.id if paid is not None else None,
        refund_id=refund.id if refund is not None else None,
        reference=row.reference,
        detail={"operation": row.kind, "outcome": row.outcome, "key": row.operation_key},
    )


def _listed_subjects(listed: Any) -> list[str]:
    """Return the subjects that were missing from the list, if they were, and are in it now."""
    payments = [f"payment/{row.payment_id}" for row in listed]
    return [
        *payments,
        *(f"refund/{subject_of(row.operation_key)}" for row in listed if row.kind == OperationKind.REFUND.value),
    ]
