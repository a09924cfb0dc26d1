"""Reconciliations and their items as the API shows them, from their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from clearway.domain.reconciliation import MEANINGS, ItemKind
from clearway.domain.resources import (
    CorrectionResource,
    ReconciliationFound,
    ReconciliationItemResource,
    ReconciliationResource,
)


def run_resource(row: Row[Any], found: Sequence[Row[Any]]) -> ReconciliationResource:
    """Return a run with what it found. found: `items.open_by_kind` of the run."""
    return ReconciliationResource(
        id=row.id,
        gateway_id=row.gateway_id,
        since=row.since,
        until=row.until,
        status=row.status,
        step=row.step,
        counts=row.counts,
        found=[
            ReconciliationFound(kind=each.kind, currency=each.currency, open=each.open, at_risk=int(each.at_risk_minor))
            for each in found
        ],
        failure=row.failure,
        created_by=row.created_by,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


def item_resource(row: Row[Any], correction: Row[Any] | None) -> ReconciliationItemResource:
    """Return an item with its correction."""
    return ReconciliationItemResource(
        id=row.id,
        gateway_id=row.gateway_id,
        reconciliation_id=row.reconciliation_id,
        comparison=row.comparison,
        kind=row.kind,
        description=MEANINGS[ItemKind(row.kind)],
        severity=row.severity,
        state=row.state,
        at_risk=row.at_risk_minor,
        currency=row.currency,
        expected=row.expected_minor,
        found=row.found_minor,
        payment_id=row.payment_id,
        refund_id=row.refund_id,
        reference=row.reference,
        detail=row.detail,
        correction=None if correction is None else correction_resource(correction),
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )


def correction_resource(row: Row[Any]) -> CorrectionResource:
    """Return a correction."""
    return CorrectionResource(
        id=row.id,
        outcome=row.outcome,
        reason=row.reason,
        actor=row.actor,
        ledger_reference=row.ledger_reference,
        created_at=row.created_at,
    )
