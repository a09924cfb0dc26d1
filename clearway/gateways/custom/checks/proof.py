"""Which examples a document must ship. Pure; `clearway.gateways.custom.rehearsal` runs them."""

from __future__ import annotations

from collections.abc import Iterator

from clearway.gateways.contract import OperationKind
from clearway.gateways.custom.checks.places import calls_of
from clearway.gateways.custom.language.document import Document
from clearway.gateways.custom.language.examples import Example, Message


def problems(document: Document) -> Iterator[str]:
    """Return what the examples do not show."""
    run = document.examples.run
    shown = {example.shows for example in run}
    calls = dict(calls_of(document))
    if "decline" not in shown:
        yield "examples: none shows a `decline`"
    if calls and "timeout" not in shown:
        yield "examples: none shows a `timeout`"
    if document.callbacks and "tampered" not in shown:
        yield "examples: none shows a `tampered` callback"
    if any(each.form == "integer" for each in document.identifiers.values()) and "duplicate" not in shown:
        yield "examples: none shows a `duplicate`, and an integer identifier may meet another"
    for place in calls:
        if not any(_shows(example, place) and example.sends is not None for example in run):
            yield f"examples: none says what `{place}` `sends`"
    if document.start.page is not None and not any(example.becomes.page for example in run):
        yield "examples: none shows the customer's `page`"
    for callback in document.callbacks:
        if not any(example.call == "callback" for example in run):
            yield f"examples: none shows the callback {callback.name!r}"
    yield from (f"examples: {example.name}: {problem}" for example in run for problem in _of_example(example))


def _of_example(example: Example) -> Iterator[str]:
    becomes = example.becomes
    if (example.call == "callback") != (example.receives is not None):
        yield "a callback, and only a callback, `receives`"
    if example.call not in {"callback", "page"} and example.answer is None:
        yield "a call has an `answer`, or `timeout` or `unreachable` in its place"
    if any(isinstance(each, Message) and each.multipart is not None for each in (example.sends, example.answer)):
        yield "only a message that is received has `multipart`"
    if example.shows == "decline" and becomes.outcome != "declined" and becomes.precheck_refused is None:
        yield "what shows a decline becomes `declined`, or is a precheck that is refused"
    if example.shows == "timeout" and (example.answer != "timeout" or becomes.outcome not in {"unknown", "retryable"}):
        yield "what shows a timeout has the answer `timeout`, and is not taken for an outcome"
    if example.shows == "duplicate" and (becomes.outcome != "declined" or becomes.executed != "no"):
        yield "what shows a duplicate becomes `declined`, with `executed: no`"
    if example.shows == "tampered" and not (becomes.refused or becomes.trust == "hint"):
        yield "what is tampered with is `refused`, or is only a hint"


def _shows(example: Example, place: str) -> bool:
    if place.startswith("look_ups."):
        return example.call == "look_up" and example.operation is OperationKind(place.removeprefix("look_ups."))
    return example.call == place
