"""The connectors of the example documents pass the suite of every gateway, against their stand-ins and a customer.

What a gateway cannot do is what its document declares; the suite skips the rules that need it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from clearway.gateways.contract import (
    Action,
    ActionKind,
    EventUnreadableError,
    Gateway,
    Inbound,
    InboundEvent,
    InboundRequest,
    Operation,
    OperationKind,
    OutcomeKind,
    SignatureInvalidError,
)
from tests.services.gateways import asking
from tests.services.gateways.conformance import Bench, GatewayConformance
from tests.services.gateways.conformance.bench import begun, needs, reported, sent, settled
from tests.services.gateways.document_bench import FOLDER, METHODS, AtWork, connected, content_of, gateway_of
from tests.services.gateways.hosted_shop import Shop
from tests.services.gateways.running import Simulator
from tests.support.receiver import Delivery, Receiver, Reply, running_receiver

GATEWAYS = sorted(path.stem for path in FOLDER.glob("*.json"))
TWO_STAGES = {"ameriabank"}
"""Where the terminal, not the request, says that money is reserved first."""


@pytest.fixture(scope="module")
async def reports() -> AsyncIterator[Receiver]:
    """Receive what the gateways report, and answer OK."""
    async with running_receiver(usual=Reply(body=b"OK")) as receiver:
        yield receiver


class TestDeclared(GatewayConformance):
    """Run the suite against each stand-in."""

    @pytest.fixture(params=GATEWAYS)
    async def bench(
        self, simulator: Simulator, reports: Receiver, request: pytest.FixtureRequest
    ) -> AsyncIterator[Bench]:
        """Put one gateway on the bench: the instruments are the buttons that its customer presses."""
        shop = Shop(simulator, request.param)
        await shop.register(result_url=reports.url)
        async with connected(shop, callback_url=reports.url) as at_work:
            yield bench_of(at_work, reports)


def bench_of(at_work: AtWork, reports: Receiver) -> Bench:
    """Return the bench of a gateway."""
    shop, document = at_work.shop, content_of(at_work.shop.gateway)
    method = METHODS.get(shop.gateway, "wallet")
    answers = list(_with_every_field(document))

    async def effects(payment_id: str) -> list[str]:
        return [kind for kind, _ in await shop.effects(payment_id)]

    pages: dict[str, str] = {}

    async def press(action: Action, button: str) -> None:
        form = str(action)
        page = pages[form] = pages.get(form) or await _page(shop, action)
        if f"/{button}" not in (await shop.simulator.http.get(page)).text:
            return  # it is paid
        # With a fault at the gateway, the browser of the customer gets no answer.
        with suppress(httpx.HTTPError):
            await shop.press(page, button)

    async def hold() -> None:
        await shop.register(result_url=reports.url, two_stage=True)

    async def report(operation: Operation) -> InboundEvent:
        wanted = operation.references or (await at_work.gateway.authorise(operation)).references
        async with asyncio.timeout(asking.PATIENCE_S):
            while True:
                async for event in _events(at_work.gateway, reports):
                    if event.references["payment"] == wanted["payment"]:
                        return event
                await asyncio.sleep(0.05)

    return Bench(
        gateway=at_work.gateway,
        receiver=reports,
        effects=effects,
        sign=None,
        connect=lambda url: gateway_of(shop, base=url),
        answers=answers,
        events=[],
        good=(method, "pay"),
        refused=(method, "decline"),
        undecided=(method, "leave"),
        challenged=(method, "leave"),
        amount_fields=sorted({name for answer in answers for name in answer}),
        switch=shop.simulator.switch,
        currency="AMD",
        amount_minor=190_000,
        press=press,
        report=report,
        keyless=frozenset(_keyless(document)),
        hold=hold if shop.gateway in TWO_STAGES else None,
        declines=_declines(document),
        hears=bool(document.get("callbacks")),
    )


async def _page(shop: Shop, action: Action) -> str:
    """Send the customer to the page, and return its URL."""
    http = shop.simulator.http
    posts = action.kind is ActionKind.FORM_POST
    answer = await (http.post(action.url, data=dict(action.fields)) if posts else http.get(action.url))
    return str(answer.headers["location"]) if answer.status_code == 303 else action.url


async def _events(gateway: Gateway, reports: Receiver) -> AsyncIterator[InboundEvent]:
    for delivery in list(reports.received):
        with suppress(EventUnreadableError, SignatureInvalidError):
            inbound: Inbound = await gateway.read_inbound(_arrived(delivery))
            for event in inbound.events:
                yield event


def _arrived(delivery: Delivery) -> InboundRequest:
    url, _, query = f"http://127.0.0.1{delivery.path}".partition("?")
    fields = dict(parse_qsl(query, keep_blank_values=True))
    return InboundRequest("POST", f"{url}?{query}", delivery.headers, delivery.body, datetime.now(UTC), fields)


def _keyless(document: dict[str, Any]) -> Iterator[OperationKind]:
    """Return what the document sends without a key that the gateway remembers."""
    finds = document["abilities"].get("finds", {})
    return (kind for kind in OperationKind if not finds.get(kind.value, {}).get("key_life_s"))


def _declines(document: dict[str, Any]) -> bool:
    """Return whether the document has a decline of a payment that was begun."""
    told = [document["look_ups"]["authorise"]["answer"]] if "look_ups" in document else document["callbacks"]
    return any(case["outcome"] in {"declined", "by_error"} for meaning in told for case in meaning.get("cases", ()))


def _with_every_field(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return as few answers of the examples as have every field between them."""
    seen: set[str] = set()
    for example in document["examples"]["run"]:
        answer = example.get("answer")
        body = answer.get("json") if isinstance(answer, dict) else None
        fields = set(_paths(body)) if isinstance(body, dict) else set()
        if fields - seen:
            seen |= fields
            yield body


def _paths(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _paths(each, f"{path}.{name}")
    else:
        yield path


class TestFaultsOfDeclared:
    """The faults that the stand-ins have beyond those of the suite."""

    bench = TestDeclared.bench
    declared = GatewayConformance.declared

    async def test_another_amount_is_reported(self, bench: Bench) -> None:
        """What was really taken is said, so that Clearway sees that it is another amount than it asked for."""
        assert bench.switch is not None, "a stand-in has faults"
        asked = await begun(bench, bench.good)
        await bench.switch(operation="authorise", fault="wrong_amount", times=1, match={"payment_id": asked.payment_id})
        await sent(bench, asked)
        outcome = await settled(bench, asked, OutcomeKind.APPROVED)
        assert outcome.amount_minor not in {None, bench.amount_minor}

    @needs("look_up")
    @pytest.mark.parametrize(
        "fault",
        ["error_before", "rate_limited", "dropped_before", "executed_then_dropped", "error_after_charge", "malformed"],
    )
    async def test_a_question_without_an_answer_decides_nothing(self, bench: Bench, fault: str) -> None:
        """A look-up that fails leaves the outcome unknown; the next one has it."""
        assert bench.switch is not None, "a stand-in has faults"
        asked = await begun(bench, bench.good)
        await sent(bench, asked)
        await bench.switch(operation="look_up", fault=fault, times=1, match={"payment_id": asked.payment_id})
        assert (await bench.gateway.recover(asked)).kind is OutcomeKind.UNKNOWN
        assert (await bench.gateway.recover(asked)).kind is OutcomeKind.APPROVED

    @needs("look_up")
    async def test_a_slow_gateway_is_waited_for(self, bench: Bench) -> None:
        """An answer that comes within the time is taken."""
        assert bench.switch is not None, "a stand-in has faults"
        asked = await begun(bench, bench.good)
        await sent(bench, asked)
        slow = {"fault": "slow", "delay_s": 0.5, "times": 1, "match": {"payment_id": asked.payment_id}}
        await bench.switch(operation="look_up", **slow)
        assert (await bench.gateway.recover(asked)).kind is OutcomeKind.APPROVED

    @needs("events")
    async def test_a_report_that_comes_twice_is_one_event(self, bench: Bench) -> None:
        """A repeat has the id of the first, so that it is not counted twice."""
        assert bench.switch is not None, "a stand-in has faults"
        asked = await begun(bench, bench.good)
        await bench.switch(
            operation="webhook", fault="duplicate_webhook", times=1, match={"payment_id": asked.payment_id}
        )
        await sent(bench, asked)
        event = await reported(bench, asked)
        async with asyncio.timeout(asking.PATIENCE_S):
            while len(found := await _about(bench, event)) == 1:
                await asyncio.sleep(0.05)
        assert len({each.event_id for each in found}) == 1


async def _about(bench: Bench, event: InboundEvent) -> list[InboundEvent]:
    """Return the events about the same payment that came so far."""
    found = [each async for each in _events(bench.gateway, bench.receiver)]
    return [each for each in found if each.references == event.references]
