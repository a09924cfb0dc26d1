"""Run the examples of a document and compare: the proof that it says what its author means. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from clearway.gateways.custom import callbacks, reading
from clearway.gateways.custom.checks.places import calls_of, meanings_of
from clearway.gateways.custom.context import Entered, Writer
from clearway.gateways.custom.language.document import Document
from clearway.gateways.custom.language.examples import Becomes, Example, Message, ShownPage
from clearway.gateways.custom.rehearsal import Rehearsal, Rehearsed, baseline_in, body_of, inbound_of

CALLBACK_URL = "https://clearway.example/api/v1/gateways/gw_00000000000000000000000001/webhook"


async def failures(document: Document) -> list[str]:
    """Return how the examples differ from what they should become, and which values none of them has."""
    examples = document.examples
    entered = example_entered(document)
    rehearsal, seen, found = Rehearsal(document, entered, entered), set[str](), []
    for example in examples.run:
        payment = example.payment or examples.payment
        rehearsed = await rehearsal.run(example, payment)
        found += [f"examples: {example.name}: {problem}" for problem in _compared(example, rehearsed)]
        seen |= set(_values_seen(document, entered, example))
    wanted = {f"{place}.values.{name}" for place, meaning in meanings_of(document) for name in meaning.values}
    return found + [f"{place}: no example has this value" for place in sorted(wanted - seen)]


def example_entered(document: Document) -> Entered:
    """Return what the examples use in the place of what a merchant enters."""
    defaults = {name: entered.default for name, entered in document.settings.items() if entered.default is not None}
    return Entered(
        settings=defaults | document.examples.settings,
        credentials=document.examples.credentials,
        addresses={name: address.live for name, address in document.addresses.items()},
        callback_url=CALLBACK_URL,
    )


def _compared(example: Example, rehearsed: Rehearsed) -> Iterator[str]:
    if example.sends is not None:
        sent = rehearsed.sent[-1] if rehearsed.sent else None
        if sent is None:
            said = rehearsed.outcome.error_description if rehearsed.outcome else None
            yield f"nothing is sent: {said or 'there is no request'}"
        else:
            yield from _compare_request(example.sends, sent)
    if example.call == "callback":
        yield from _compare_inbound(example.becomes, rehearsed)
    else:
        yield from _compare_outcome(example, example.becomes, rehearsed)


def _compare_request(wanted: Message, sent: httpx.Request) -> Iterator[str]:
    url = urlsplit(str(sent.url))
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    plain = f"{url.scheme}://{url.netloc}{url.path}"
    yield from _differs("method", wanted.method, sent.method)
    if wanted.url is not None:
        yield from _differs("url", wanted.url, str(sent.url) if "?" in wanted.url else plain)
    yield from _differs("query", wanted.query, query)
    for name, value in wanted.headers.items():
        yield from _differs(f"header {name}", value, sent.headers.get(name, ""))
    for name, form in (("form", wanted.form), ("json", wanted.json_body), ("text", wanted.text)):
        if form is not None:
            expected = reading.parsed(name, body_of(wanted)[1])
            yield from _differs(name, expected, reading.parsed(name, sent.content))


def _compare_outcome(example: Example, wanted: Becomes, rehearsed: Rehearsed) -> Iterator[str]:
    outcome = rehearsed.outcome
    if outcome is None:
        return
    said = f" ({outcome.error_description})" if outcome.error_description else ""
    yield from _differs("outcome", wanted.outcome, outcome.kind.value, said)
    for name in ("executed", "error_code", "amount_minor", "currency", "captured"):
        yield from _differs(name, getattr(wanted, name), getattr(outcome, name))
    yield from _differs("references", wanted.references, dict(outcome.references))
    if example.call == "baseline":
        yield from _differs("baseline_minor", wanted.baseline_minor, baseline_in(outcome))
    action = outcome.action
    shown = ShownPage(url=action.url, form=dict(action.fields) or None) if action else None
    yield from _differs("page", wanted.page, shown)


def _compare_inbound(wanted: Becomes, rehearsed: Rehearsed) -> Iterator[str]:
    if wanted.refused:
        if rehearsed.refused is None:
            yield "it is believed, and should be refused"
        return
    inbound = rehearsed.inbound
    if inbound is None:
        yield f"it is not accepted: {rehearsed.refused or rehearsed.unreadable}"
        return
    answer = inbound.answer
    yield from _differs("answer", wanted.answer, answer.body.decode() if answer else None)
    if inbound.precheck is not None:
        yield from _differs("payment", wanted.payment, inbound.precheck.payment)
        yield from _differs("amount_minor", wanted.amount_minor, inbound.precheck.amount_minor)
        yield from _differs("precheck_refused", wanted.precheck_refused, inbound.precheck.refusal.body.decode())
    for event in inbound.events:
        yield from _differs("payment", wanted.payment, event.references.get("payment"))
        yield from _differs("trust", wanted.trust, event.trust)
        yield from _differs("outcome", wanted.outcome, event.outcome.kind.value)
        for name in ("error_code", "amount_minor", "currency", "captured"):
            yield from _differs(name, getattr(wanted, name), getattr(event.outcome, name))


def _differs(name: str, wanted: Any, found: Any, more: str = "") -> Iterator[str]:
    if wanted is not None and wanted != found:
        yield f"{name} is {_shown(found)}, and should be {_shown(wanted)}{more}"


def _shown(value: Any) -> str:
    if isinstance(value, ShownPage):
        value = value.model_dump(exclude_none=True)
    text = repr(value)
    return text if len(text) <= 600 else f"{text[:600]}…"  # noqa: PLR2004 - the length of a message


def _values_seen(document: Document, entered: Entered, example: Example) -> Iterator[str]:
    """Return the values that an example's message has, by their places."""
    if example.call == "callback":
        request = inbound_of(example, CALLBACK_URL)
        callback, content = callbacks.matching(Writer(document, entered), request)
        if callback is not None:
            for name in reading.values_of(callback.values, content):
                yield f"callbacks.{callback.name}.values.{name}"
        return
    place = f"look_ups.{example.operation.value}" if example.call == "look_up" else example.call
    call = dict(calls_of(document)).get(place)
    if call is None or not isinstance(example.answer, Message):
        return
    content = reading.parsed(call.answer.format, body_of(example.answer)[1])
    for name in reading.values_of(call.answer.values, content):
        yield f"{place}.answer.values.{name}"
