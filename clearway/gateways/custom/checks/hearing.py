"""What callbacks may be believed, and that the outcome of every payment becomes known. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clearway.gateways.contract import OperationKind, Trust
from clearway.gateways.custom.checks.places import of_recipe
from clearway.gateways.custom.language.callbacks import Callback
from clearway.gateways.custom.language.document import Document
from clearway.gateways.custom.language.values import (
    CredentialValue,
    FieldValue,
    HashValue,
    RawValue,
    Recipe,
)
from clearway.gateways.custom.recipes import HMAC

ALLOWED: Final = frozenset({"approved", "declined", "pending", "unknown"})


def problems(document: Document) -> Iterator[str]:
    """Return every problem, in words."""
    for callback in document.callbacks:
        yield from (f"callbacks.{callback.name}: {problem}" for problem in _of_callback(document, callback))
    asks = OperationKind.AUTHORISE in document.look_ups
    proves = any(each.trust is Trust.PROVEN for each in document.callbacks)
    waits = document.start.page is not None or any(
        case.outcome in {"pending", "needs_action"}
        for case in (document.start.answer.cases if document.start.answer else ())
    )
    if waits and not asks and not proves:
        yield "nothing says how a payment ends: describe `look_ups.authorise`, or a callback that proves what it says"


def warnings(document: Document) -> Iterator[str]:
    """Return what is weak in the gateway's own protocol."""
    for callback in document.callbacks:
        if callback.trust is not Trust.PROVEN or callback.signature is None:
            continue
        recipe = document.signatures[callback.signature.recipe]
        variable = [part for part in recipe.parts if isinstance(part, FieldValue)]
        if not recipe.separator and len(variable) > 1:
            yield (
                f"The signature of the callback {callback.name!r} joins its fields without a separator, so two "
                "messages may have the same signature. Amounts are compared with the payment all the same."
            )
        if not recipe.algorithm.startswith(HMAC) and recipe.algorithm in {"md5", "sha1"}:
            yield f"The signature of the callback {callback.name!r} uses {recipe.algorithm}, which is weak."
    if document.abilities.cancel == "forget":
        yield (
            "This gateway cannot call off an unpaid payment. A customer who pays after the payment has expired opens a "
            "review: refund them there."
        )


def _of_callback(document: Document, callback: Callback) -> Iterator[str]:
    if callback.precheck is not None:
        if callback.trust is Trust.PROVEN or callback.cases or callback.amount is None:
            yield "a precheck is a hint, has no cases, and reads the amount that is about to be taken"
        if callback.currency is None and len(document.currencies) > 1:
            yield "a precheck names the currency, because the document has several"
        return
    if callback.trust is Trust.HINT:
        if callback.cases or callback.amount is not None:
            yield "a hint is not believed, so it has neither cases nor an amount"
        if OperationKind.AUTHORISE not in document.look_ups:
            yield "a hint makes Clearway ask, and there is no `look_ups.authorise`"
        return
    yield from _of_proof(document, callback)


def _of_proof(document: Document, callback: Callback) -> Iterator[str]:
    if callback.signature is None:
        yield "what proves something has a `signature`"
        return
    recipe = document.signatures[callback.signature.recipe]
    if not any(isinstance(placed.value, CredentialValue) for placed in of_recipe("", recipe)):
        yield "its signature has no credential in it: anybody could make it"
    if callback.signature.case == "insensitive" and recipe.encoding == "base64":
        yield "base64 is not the same in other letter case"
    if callback.operation is not OperationKind.AUTHORISE:
        yield "only an authorisation is believed without our key; make it a hint"
    outcomes = {case.outcome for case in callback.cases}
    if not outcomes or outcomes - ALLOWED:
        yield f"it has cases, and they become {', '.join(sorted(ALLOWED))}"
    if "approved" in outcomes and callback.amount is None:
        yield "a success is believed only with its amount"
    if "approved" in outcomes and callback.currency is None and len(document.currencies) > 1:
        yield "a success names the currency, because the document has several"
    if any(case.outcome in {"approved", "declined"} and not case.when.values for case in callback.cases):
        yield "a success or decline needs a value that says so"
    uncovered = sorted(_used(callback) - _covered(callback, recipe))
    if uncovered:
        yield f"its signature does not cover {', '.join(uncovered)}: anybody on the way could change it"


def _used(callback: Callback) -> set[str]:
    """Return the values that decide something."""
    used = {callback.payment, *callback.event_id}
    used |= {name for case in callback.cases for name in case.when.values}
    used |= {name for name in (callback.error, callback.currency) if name}
    used |= {name for name in callback.references.values() if isinstance(name, str)}
    return used | ({callback.amount.value} if callback.amount else set())


def _covered(callback: Callback, recipe: Recipe) -> set[str]:
    """Return the values all of whose sources are in the signature."""
    parts = list(_parts(recipe))
    if any(isinstance(part, RawValue) and _raw_covers(part, callback) for part in parts):
        return set(callback.values)
    fields = {part.field for part in parts if isinstance(part, FieldValue)}
    return {name for name, read in callback.values.items() if set(read.paths) <= fields}


def _raw_covers(part: RawValue, callback: Callback) -> bool:
    from_query = callback.source == "query"
    return part.raw in {"path", "url"} if from_query else part.raw == "body" and callback.source != "query_or_form"


def _parts(recipe: Recipe) -> Iterator[object]:
    for part in recipe.parts:
        yield part
        if isinstance(part, HashValue):
            yield from _parts(part.hash)
