"""What an answer may become: a decline and a success need a value that says so, never an HTTP status alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clearway.domain.attempt import Executed
from clearway.gateways.contract import FindsOut, OperationKind
from clearway.gateways.custom.checks.places import calls_of, meanings_of, values_of
from clearway.gateways.custom.language.answers import Case, IsGrown, Status
from clearway.gateways.custom.language.document import Document, Start
from clearway.gateways.custom.language.values import IdentifierValue

_MOVING: Final = frozenset({"approved", "declined", "pending", "retryable", "unknown", "by_error"})
ALLOWED: Final = {
    "register": frozenset({"prepared", "declined", "retryable", "unknown", "by_error"}),
    "start": _MOVING | {"needs_action"},
    "look_up": frozenset({"approved", "declined", "needs_action", "pending", "not_found", "unknown", "by_error"}),
}
_SAFE: Final = frozenset({429, 503})
"""Statuses that a gateway sends before it does anything."""
_ASKS: Final = frozenset({FindsOut.BY_REFERENCE, FindsOut.BY_OUR_ID, FindsOut.BY_SCAN})


def problems(document: Document) -> Iterator[str]:
    """Return every problem, in words."""
    yield from _of_flow(document)
    for place, call in calls_of(document):
        kind = _kind_of(document.start, place)
        for case in call.answer.cases:
            yield from (f"{place}.answer.cases: {problem}" for problem in _of_case(case, kind))
    yield from _of_abilities(document)
    yield from _of_look_ups(document)
    yield from _of_baseline(document)


def _of_baseline(document: Document) -> Iterator[str]:
    """A refund without idempotency is found by how the refunded amount has grown, in both directions."""
    look_up = document.look_ups.get(OperationKind.REFUND)
    compared = {
        (case.outcome, name, condition.grown_by)
        for case in (look_up.answer.cases if look_up else ())
        for name, condition in case.when.values.items()
        if isinstance(condition, IsGrown)
    }
    elsewhere = any(
        isinstance(condition, IsGrown)
        for place, meaning in meanings_of(document)
        if place != "look_ups.refund.answer"
        for case in meaning.cases
        for condition in case.when.values.values()
    )
    baseline = document.refund.baseline if document.refund else None
    wanted = {("not_found", baseline, "nothing"), ("approved", baseline, "amount")} if baseline else set()
    if elsewhere or compared != wanted:
        yield (
            "refund.baseline: it names the value of `look_ups.refund` whose `grown_by: nothing` is `not_found` and "
            "whose `grown_by: amount` is `approved`; `grown_by` stands nowhere else"
        )


def _kind_of(start: Start, place: str) -> str:
    if place == "start":
        return "start" if start.moves_money else "register"
    return "look_up" if place.startswith("look_ups") else "other"


def _of_flow(document: Document) -> Iterator[str]:
    start, page = document.start, document.start.page
    if document.flow == "server_call":
        if start.request is None or start.answer is None:
            yield "start: a server call has `request` and `answer`"
        elif not start.moves_money:
            if page is None or "payment" not in start.answer.references:
                yield "start: a payment that is registered has a `page`, and its answer the reference `payment`"
            if start.answer.cases and next(iter(start.answer.references), "payment") != "payment":
                yield "start: `payment` is the first of its references"
        if page is not None and page.from_value and page.from_value not in getattr(start.answer, "values", {}):
            yield f"start.page: the answer has no value {page.from_value!r}"
        return
    if start.request is not None or start.answer is not None:
        yield f"start: a payment by {document.flow} sends no request"
    if page is None or page.path is None or (page.form is not None) != (document.flow == "form_post"):
        yield f"start: a payment by {document.flow} has a page with a path, and a `form` only for form_post"
    if start.identifier is None:
        yield "start: `identifier` names the payment at the gateway, because no answer gives a reference"


def _of_case(case: Case, kind: str) -> Iterator[str]:
    allowed = ALLOWED.get(kind, _MOVING)
    if case.outcome not in allowed:
        yield f"{case.outcome} is not an outcome here; there are: {', '.join(sorted(allowed))}"
    by_value = bool(case.when.values) or case.outcome == "by_error"
    statuses = case.when.http or []
    if case.outcome == "approved" and not by_value:
        yield "an HTTP status alone does not say that money moved: name a value"
    if case.outcome == "declined" and not by_value and not _is_refusal(statuses, case):
        yield "an HTTP status alone is a decline only if it is a 4xx that says `executed: no`"
    if case.outcome == "retryable" and not by_value and not (statuses and set(statuses) <= _SAFE):
        yield "only 429 and 503 say by themselves that nothing was done: name a value"
    if case.outcome == "retryable" and case.executed is Executed.YES:
        yield "what was executed is not sent again"


def _is_refusal(statuses: list[Status], case: Case) -> bool:
    client_errors = all(each == "4xx" or (isinstance(each, int) and each // 100 == 4) for each in statuses)  # noqa: PLR2004
    return bool(statuses) and client_errors and case.executed is Executed.NO


def _of_abilities(document: Document) -> Iterator[str]:
    given = document.abilities
    needed = (
        (given.capture != "none", "capture", document.capture is not None),
        (given.refund != "none", "refund", document.refund is not None),
        (given.cancel == "request", "void", document.void is not None),
    )
    for declared, name, there in needed:
        if declared != there and not (name == "void" and there):
            yield f"abilities: {name} is declared and described together, or neither"
    if given.cancel == "precheck" and not any(each.precheck for each in document.callbacks):
        yield "abilities.cancel: no callback is a precheck"
    for kind, finds in given.finds.items():
        if finds.by in _ASKS and kind not in document.look_ups:
            yield f"abilities.finds.{kind.value}: {finds.by.value} needs a look-up"
        if finds.by is FindsOut.BY_REPLAY and not finds.key_life_s:
            yield f"abilities.finds.{kind.value}: a replay is safe only while the key lives: say `key_life_s`"
        if finds.by is FindsOut.BY_SCAN and not finds.lag_s:
            yield f"abilities.finds.{kind.value}: a list lags behind: say `lag_s`"
    for kind in document.look_ups:
        if kind not in given.finds:
            yield f"abilities.finds: say how far the look-up of {kind.value} may be believed"


def _of_look_ups(document: Document) -> Iterator[str]:
    """A page's payment is asked about by whoever knows its reference and not the key of its attempt."""
    if document.start.request is not None and document.start.moves_money:
        return
    for placed in values_of(document):
        of_authorise = placed.place.startswith(f"look_ups.{OperationKind.AUTHORISE.value}.")
        template = placed.value if isinstance(placed.value, str) else ""
        if of_authorise and (isinstance(placed.value, IdentifierValue) or "identifier." in template):
            yield f'{placed.place}: name the payment by {{"reference": "payment"}}'
