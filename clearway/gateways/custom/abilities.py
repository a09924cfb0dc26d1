"""The abilities of a gateway, from its document. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clearway.domain.money import exponent
from clearway.domain.payment import PaymentMethod, UpiFlow
from clearway.gateways.contract import Abilities, Capabilities, Closes, Finding, FindsOut, OperationKind
from clearway.gateways.custom import amounts
from clearway.gateways.custom.checks.places import references_in
from clearway.gateways.custom.language.document import ClosesAfter, Document, Finds

FOR_EVER_S: Final = 10 * 365 * 86_400.0
NOTHING_SENT: Final = Finding(FindsOut.BY_REPLAY, key_life_s=FOR_EVER_S)
"""Such an operation sends nothing that changes anything, so it can be carried out again (a page, a void by itself)."""


def abilities_of(document: Document) -> Abilities:
    """Return the abilities."""
    finds = {kind: _finding(document, kind) for kind in OperationKind}
    closes = document.abilities.closes
    return Abilities(
        finds=finds[OperationKind.AUTHORISE],
        finds_otherwise=finds,
        capabilities=capabilities_of(document),
        closes=Closes.AFTER if isinstance(closes, ClosesAfter) else Closes(closes),
        door_open_s=closes.after_s if isinstance(closes, ClosesAfter) else None,
    )


def capabilities_of(document: Document) -> Capabilities:
    """Return what the gateway can express."""
    given = document.abilities
    return Capabilities(
        methods=frozenset(PaymentMethod(method) for method in given.methods),
        currencies=frozenset(document.currencies),
        minimum_minor=given.minimum,
        maximum_minor=given.maximum,
        step_minor=_steps(document),
        manual_capture=given.capture != "none",
        partial_capture=given.capture in {"partial", "repeated"},
        repeated_capture=given.capture == "repeated",
        refund=given.refund != "none",
        partial_refund=given.refund == "partial",
        refund_of_payment=not _refunds_captures(document),
        void=document.void is not None,
        upi_intent=UpiFlow.INTENT in given.upi,
        upi_collect=UpiFlow.COLLECT in given.upi,
    )


def _refunds_captures(document: Document) -> bool:
    """Return whether a refund names one capture: what it sends has a reference that the answer to a capture gave."""
    given = set() if document.capture is None else set(document.capture.answer.references)
    if document.refund is None or given <= {"payment"}:
        return False
    return any(reference in given - {"payment"} for reference in references_in("refund.request", document))


def _steps(document: Document) -> Mapping[str, int]:
    steps = {}
    for currency, known in document.currencies.items():
        digits = exponent(currency) if known.exponent is None else known.exponent
        steps[currency] = amounts.step_minor(document.amount, currency, digits)
    return steps


def _finding(document: Document, kind: OperationKind) -> Finding:
    given = document.abilities.finds.get(kind)
    if given is not None:
        return _given(given)
    sends = {OperationKind.AUTHORISE: document.start.request, OperationKind.VOID: document.void}
    if kind in sends and sends[kind] is None:
        return NOTHING_SENT
    return Finding(FindsOut.NEVER)


def _given(given: Finds) -> Finding:
    return Finding(given.by, lag_s=given.lag_s, key_life_s=given.key_life_s)
