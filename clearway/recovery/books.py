"""Compare the gateways' own operations with the stored rows: list each operation without a row.

After the database was restored to an earlier moment, such operations are payments that the database lost. What can
be rebuilt is rebuilt, from its workflow or that workflow's history. The rest is listed with amounts, for an operator.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from clearway.db import across_merchants
from clearway.db.across_merchants import Standing
from clearway.domain import payment, refund
from clearway.domain.attempt import is_closing
from clearway.domain.payment import PaymentStatus
from clearway.domain.refund import RefundStatus
from clearway.gateways.contract import (
    Gateway,
    GatewayUnavailableError,
    ListedOperation,
    OperationKind,
    OperationLister,
    OutcomeKind,
)
from clearway.recovery.rebuilding import Rebuilt, rebuild
from clearway.recovery.taking_up import Recovery

HAPPENED: Final = frozenset({OutcomeKind.APPROVED, OutcomeKind.PENDING, OutcomeKind.NEEDS_ACTION})
"""Outcomes by which money moves, or may still move."""
UNAUTHORISED: Final = frozenset(
    {
        PaymentStatus.PENDING,
        PaymentStatus.REQUIRES_ACTION,
        PaymentStatus.PROCESSING,
        PaymentStatus.RETRYING,
        PaymentStatus.FAILED,
    }
)
"""Statuses that say that nothing is authorised."""


class Missing(StrEnum):
    """What the database lacks."""

    ROW = "no row"
    BOOKING = "not booked"


@dataclass(frozen=True)
class Unrecorded:
    """An operation in a gateway's list that the database does not have. rebuilt: what was done about it."""

    gateway: str
    key: str
    kind: str
    payment_id: str
    reference: str | None
    amount_minor: int | None
    currency: str | None
    at: datetime
    missing: Missing
    rebuilt: Rebuilt | None = None


@dataclass
class Compared:
    """The result of the comparison.

    unlisted: gateways whose connector cannot list operations. unread: gateways whose list could not be read to its
    end, and why; the operations that were read before are compared. settled: operations that the database lacks, and
    about which a person decided in reconciliation.
    """

    looked_at: int = 0
    unrecorded: list[Unrecorded] = field(default_factory=list)
    settled: int = 0
    unlisted: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)


async def compare(
    recovery: Recovery, gateways: Mapping[str, Gateway], since: datetime, until: datetime, *, dry_run: bool = False
) -> Compared:
    """Compare every gateway's operations since a moment with the database; one that fails does not stop the others.

    until: younger operations are left out, because their workflows may be about to record them.
    """
    compared = Compared()
    handled: dict[str, Rebuilt] = {}
    for name, gateway in gateways.items():
        if not isinstance(gateway, OperationLister):
            compared.unlisted.append(name)
            continue
        try:
            async for page in _pages(gateway, since, until):
                compared.looked_at += len(page)
                await _compare_page(recovery, compared, name, page, handled, dry_run=dry_run)
        except GatewayUnavailableError as error:
            compared.unread[name] = str(error)
    return compared


async def _compare_page(
    recovery: Recovery,
    compared: Compared,
    gateway: str,
    page: Sequence[ListedOperation],
    handled: dict[str, Rebuilt],
    *,
    dry_run: bool,
) -> None:
    """Add the operations of a page that the database lacks; bring each payment and refund back once."""
    async with recovery.reader.connect() as connection:
        standing = await across_merchants.standing(connection, *_subjects(page))
        lacking = [(each, missing) for each in page if (missing := missing_of(each, standing)) is not None]
        keys = {each.key or "" for each, _ in lacking}
        settled = await across_merchants.settled_operations(connection, gateway, keys) if keys else frozenset()
    for operation, missing in lacking:
        if operation.key in settled:
            compared.settled += 1
            continue
        subject_id = _subject_of(operation)
        if not dry_run and subject_id not in handled:
            handled[subject_id] = await rebuild(recovery, subject_id)
        compared.unrecorded.append(_as_found(gateway, operation, missing, handled.get(subject_id)))


async def _pages(
    gateway: OperationLister, since: datetime, until: datetime
) -> AsyncIterator[Sequence[ListedOperation]]:
    cursor = None
    while True:
        page = await gateway.list_operations(since=since, cursor=cursor)
        yield [one for one in page.operations if one.key and one.outcome.kind in HAPPENED and one.created_at < until]
        cursor = page.cursor
        if cursor is None:
            return


def _subjects(page: Iterable[ListedOperation]) -> tuple[set[str], set[str], set[str]]:
    """Return the payments, refunds and capture references of a page."""
    payments = {each.payment_id or "" for each in page}
    refunds = {_subject_of(each) for each in page if each.kind is OperationKind.REFUND}
    references = {each.outcome.reference or "" for each in page if each.kind is OperationKind.CAPTURE}
    return payments, refunds, references


def _subject_of(operation: ListedOperation) -> str:
    """Return the id of the payment or refund whose workflow asked for the operation."""
    return (operation.key or "").partition(":")[0]


def missing_of(operation: ListedOperation, standing: Standing) -> Missing | None:
    """Return what the database lacks of an operation, if anything. Under review, it lacks nothing."""
    if operation.kind is OperationKind.REFUND:
        return _missing_of_refund(operation, standing)
    there = standing.payments.get(operation.payment_id or "")
    if there is None:
        return Missing.ROW
    status, captured_minor = there
    if status == PaymentStatus.NEEDS_REVIEW:
        return None
    if operation.kind is OperationKind.CAPTURE:
        booked = operation.outcome.reference in standing.captures
    elif operation.kind is OperationKind.VOID:
        booked = status in payment.FINAL or is_closing(operation.key or "")
    elif operation.outcome.captured:
        booked = captured_minor > 0
    else:
        booked = status not in UNAUTHORISED
    return None if booked or operation.outcome.kind is not OutcomeKind.APPROVED else Missing.BOOKING


def _missing_of_refund(operation: ListedOperation, standing: Standing) -> Missing | None:
    status = standing.refunds.get(_subject_of(operation))
    if status is None:
        return Missing.ROW
    booked = status != RefundStatus.FAILED and (status in refund.FINAL or status == RefundStatus.NEEDS_REVIEW)
    return None if booked or operation.outcome.kind is not OutcomeKind.APPROVED else Missing.BOOKING


def _as_found(gateway: str, operation: ListedOperation, missing: Missing, rebuilt: Rebuilt | None) -> Unrecorded:
    outcome = operation.outcome
    return Unrecorded(
        gateway=gateway,
        key=operation.key or "",
        kind=operation.kind.value,
        payment_id=operation.payment_id or "",
        reference=outcome.reference,
        amount_minor=outcome.amount_minor,
        currency=outcome.currency,
        at=operation.created_at,
        missing=missing,
        rebuilt=rebuilt,
    )
