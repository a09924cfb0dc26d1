"""The interpreter of documents: one send, the outcome by how far it got, equal repeats, tokens, callbacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from clearway.domain.gateway import GatewayConfig, GatewayKind
from clearway.domain.merchant import Mode
from clearway.domain.payment import CaptureMethod
from clearway.gateways.contract import (
    ActionKind,
    Authorisation,
    Executed,
    FindsOut,
    GatewayOutcome,
    InboundRequest,
    Operation,
    OperationKind,
    OutcomeKind,
    Preparing,
    SignatureInvalidError,
    Trust,
    find_out,
    read_inbound,
)
from clearway.gateways.custom.abilities import capabilities_of
from clearway.gateways.custom.client import CustomGateway
from clearway.gateways.custom.context import Entered
from clearway.gateways.custom.kind import document_of
from clearway.gateways.declared import polling_of
from clearway.gateways.kinds import Checkable
from tests.support.custom_documents import BILL, calls, form, form_sign, hmac_of

NOW = datetime(2026, 11, 26, tzinfo=UTC)
KEY = "pay_00000000000000000000000001:authorise:1"
Handler = Callable[[httpx.Request], httpx.Response]


def gateway(document: dict[str, Any], answer: Handler, **credentials: str) -> CustomGateway:
    """Return a connector whose gateway answers by a function."""
    entered = Entered(
        settings={"shop": "s", "account": "1"},
        credentials={"key": "k3y", "secret": "SECRET"} | credentials,
        addresses={"api": "https://acme.example/base", "page": "https://bills.example/base"},
        callback_url="https://clearway.example/hook",
    )
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return CustomGateway(document_of(orjson.dumps(document)), entered, client, timeout_s=1.0)


def operation(kind: OperationKind = OperationKind.AUTHORISE, **changes: Any) -> Operation:
    """Return an operation of the payment of these tests."""
    asked = Authorisation("wallet", CaptureMethod.AUTOMATIC, "bills", "https://clearway.example/back")
    made = Operation(
        kind, f"pay_00000000000000000000000001:{kind.value}:1", "pay_00000000000000000000000001", 1050, "EUR"
    )
    return replace(made, authorisation=asked if kind is OperationKind.AUTHORISE else None, **changes)


def answering(status: int = 200, body: Any = None) -> Handler:
    """Return a gateway that always gives this answer."""
    return lambda _: httpx.Response(status, json=body)


def failing(error: type[httpx.TransportError]) -> Handler:
    """Return a gateway that is not reached, or does not answer."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise error("as the test says", request=request)

    return fail


REGISTERED = {"order": {"id": "o1", "page": "https://acme.example/p/1"}}
KNOWN = {"references": {"payment": "o1"}, "state": "https://acme.example/p/1"}


@pytest.mark.parametrize(
    ("handler", "kind", "executed"),
    [
        (failing(httpx.ConnectError), OutcomeKind.RETRYABLE, Executed.NO),
        (failing(httpx.ConnectTimeout), OutcomeKind.RETRYABLE, Executed.NO),
        (failing(httpx.ReadTimeout), OutcomeKind.UNKNOWN, Executed.MAYBE),
        (failing(httpx.ReadError), OutcomeKind.UNKNOWN, Executed.MAYBE),
        (failing(httpx.RemoteProtocolError), OutcomeKind.UNKNOWN, Executed.MAYBE),
        (answering(500), OutcomeKind.UNKNOWN, Executed.MAYBE),
        (answering(200, {"order": {}}), OutcomeKind.UNKNOWN, Executed.MAYBE),
        (answering(200, ["nonsense"]), OutcomeKind.UNKNOWN, Executed.MAYBE),
        (lambda _: httpx.Response(200, content=b"\xff<html>"), OutcomeKind.UNKNOWN, Executed.MAYBE),
        (answering(429), OutcomeKind.RETRYABLE, Executed.NO),
        (answering(401), OutcomeKind.DECLINED, Executed.NO),
        (answering(402, {"error": {"code": "no_money"}}), OutcomeKind.DECLINED, Executed.YES),
        (answering(402, {"error": {"code": "bad_shop"}}), OutcomeKind.DECLINED, Executed.NO),
        (answering(402, {"error": {"code": "never heard of"}}), OutcomeKind.UNKNOWN, Executed.MAYBE),
        (answering(418), OutcomeKind.UNKNOWN, Executed.MAYBE),
        (answering(201, REGISTERED), OutcomeKind.PREPARED, Executed.NO),
        (answering(201, {"order": {"id": "x" * 300}}), OutcomeKind.UNKNOWN, Executed.MAYBE),
    ],
)
async def test_an_answer_is_classified_by_how_far_the_request_got(
    handler: Handler, kind: OutcomeKind, executed: Executed
) -> None:
    """What surely was not sent may be sent again; what has no readable answer is unknown; errors are by the table."""
    connector = gateway(calls(), handler)
    assert isinstance(connector, Preparing)
    outcome = await connector.prepare(operation())
    assert (outcome.kind, outcome.executed) == (kind, executed)


@pytest.mark.parametrize(("own", "used", "version"), [(None, None, 1), ([5, 600], (5.0, 600.0), 2)])
def test_a_gateway_may_have_polling_intervals_of_its_own(
    own: list[int] | None, used: tuple[float, ...] | None, version: int
) -> None:
    """Those of the document are used; None: those of the installation."""
    document = calls() | {"polling": own}
    config = GatewayConfig(
        "gw_1", "mer_1", Mode.TEST, GatewayKind.CUSTOM, "Acme", True, 1, {"document": document}, (), version=version
    )
    assert polling_of(config) == used


async def test_a_repeat_is_equal_and_sent_once() -> None:
    """Every byte comes from the operation: without its times, and without a header that changes."""
    sent: list[tuple[str, bytes, dict[str, str]]] = []

    def record(request: httpx.Request) -> httpx.Response:
        sent.append((str(request.url), request.content, dict(request.headers)))
        raise httpx.ReadTimeout("late", request=request)

    connector = gateway(calls(), record)
    assert isinstance(connector, Preparing)
    await connector.prepare(operation())
    await connector.prepare(operation(first_sent_at=NOW, last_sent_at=NOW))
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert sent[0][0] == "https://acme.example/base/shops/s/orders"
    assert b'"amount":10.50' in sent[0][1]


async def test_an_amount_that_the_gateway_cannot_write_is_not_sent() -> None:
    """It is declined, surely not executed, and the gateway is not called."""
    document = calls()
    document["amount"] = {"format": "major_int"}
    connector = gateway(document, failing(httpx.ReadTimeout))
    assert isinstance(connector, Preparing)
    outcome = await connector.prepare(operation())
    assert (outcome.kind, outcome.executed) == (OutcomeKind.DECLINED, Executed.NO)
    assert connector.abilities.capabilities.step_minor["EUR"] == 100


async def test_a_text_that_grows_by_encoding_is_not_sent() -> None:
    """A value has a length, whatever is done with it."""
    document, value = calls(), "{{ payment.id }}"
    for _ in range(40):
        value = {"base64": value}  # type: ignore[assignment]
    document["start"]["request"]["json"]["order"] = value
    connector = gateway(document, answering(201, REGISTERED))
    assert isinstance(connector, Preparing)
    outcome = await connector.prepare(operation())
    assert (outcome.kind, outcome.executed) == (OutcomeKind.DECLINED, Executed.NO)


async def test_the_registered_page_is_given_to_the_customer() -> None:
    """`authorise` sends nothing: the page was kept as the state, beside the recorded reference."""
    connector = gateway(calls(), failing(httpx.ReadTimeout))
    outcome = await connector.authorise(operation(**KNOWN))
    assert outcome.kind is OutcomeKind.NEEDS_ACTION
    assert outcome.action is not None
    assert outcome.action.url == "https://acme.example/p/1"
    assert (await connector.authorise(operation())).executed is Executed.NO


async def test_a_form_is_posted_by_the_customer() -> None:
    """A form post has the reference of our own identifier; it is made again when it was lost."""
    connector = gateway(form(), failing(httpx.ReadTimeout))
    assert not isinstance(connector, Preparing)
    outcome = await connector.authorise(operation(amount_minor=190_000, currency="AMD"))
    assert outcome.references == {"payment": BILL}
    assert outcome.action is not None
    assert (outcome.action.kind, outcome.action.fields["SUM"]) == (ActionKind.FORM_POST, "1900.00")
    assert outcome.action.url == "https://bills.example/base/pay"
    assert connector.abilities.finds.by is FindsOut.BY_REPLAY
    lost = await find_out(connector, operation(first_sent_at=NOW), NOW + timedelta(days=30))
    assert lost.kind is OutcomeKind.RETRYABLE


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"status": "PAID", "paid": "10.50"}, OutcomeKind.APPROVED),
        ({"status": "PAID", "paid": "10.505"}, OutcomeKind.UNKNOWN),
        ({"status": "PAID"}, OutcomeKind.UNKNOWN),
        ({"status": "refused : 51"}, OutcomeKind.DECLINED),
        ({"status": "NEW"}, OutcomeKind.NEEDS_ACTION),
        ({"status": "SOMETHING ELSE"}, OutcomeKind.UNKNOWN),
        ({}, OutcomeKind.UNKNOWN),
    ],
)
async def test_a_look_up_is_read_by_its_cases(body: dict[str, Any], kind: OutcomeKind) -> None:
    """An unknown status is unknown, never a decline; a success whose amount cannot be read is unknown too."""
    outcome = await gateway(calls(), answering(200, body)).recover(operation(**KNOWN))
    assert outcome.kind is kind


async def test_not_found_is_believed_late_and_never_retryable() -> None:
    """A look-up that failed says nothing; NOT_FOUND counts after the lag; what was never recorded was never begun."""
    connector = gateway(calls(), answering(404))
    sent = operation(**KNOWN, first_sent_at=NOW, last_sent_at=NOW)
    assert (await find_out(connector, sent, NOW + timedelta(seconds=1))).kind is OutcomeKind.UNKNOWN
    assert (await find_out(connector, sent, NOW + timedelta(seconds=6))).kind is OutcomeKind.NOT_FOUND
    assert (await connector.recover(operation())).kind is OutcomeKind.NOT_FOUND
    for handler in (failing(httpx.ConnectError), answering(429)):
        assert (await gateway(calls(), handler).recover(sent)).kind is OutcomeKind.UNKNOWN


async def test_a_payment_that_cannot_be_called_off_is_forgotten_only_unpaid() -> None:
    """`forget` asks first: a paid payment is not cancelled, and without an answer nothing is said."""
    void = operation(OperationKind.VOID, **KNOWN)
    for body, kind in (
        ({"status": "NEW"}, OutcomeKind.APPROVED),
        ({"status": "PAID", "paid": 10.5}, OutcomeKind.DECLINED),
        ({"status": "?"}, OutcomeKind.UNKNOWN),
    ):
        assert (await gateway(calls(), answering(200, body)).void(void)).kind is kind
    unanswered = await find_out(gateway(calls(), answering()), replace(void, first_sent_at=NOW), NOW)
    assert unanswered.kind is OutcomeKind.RETRYABLE, (
        "it sends nothing that changes anything, so it is carried out again"
    )
    document = calls()
    document["abilities"]["cancel"] = "none"
    refused = await gateway(document, answering(200, {"status": "NEW"})).void(void)
    assert (refused.kind, refused.executed) == (OutcomeKind.DECLINED, Executed.NO)


async def test_what_a_gateway_has_not_is_declined_unsent() -> None:
    """Captures and refunds that the document does not describe."""
    connector = gateway(calls(), failing(httpx.ReadTimeout))
    for outcome in (
        await connector.capture(operation(OperationKind.CAPTURE)),
        await connector.refund(operation(OperationKind.REFUND)),
    ):
        assert (outcome.kind, outcome.executed) == (OutcomeKind.DECLINED, Executed.NO)


def with_oauth() -> dict[str, Any]:
    """Return a document whose requests need a token."""
    document = calls()
    document["authentication"] = {
        "kind": "oauth_client_credentials",
        "path": "/token",
        "client_id": "me",
        "client_secret": {"credential": "key"},
        "scheme": "O-Bearer",
    }
    return document


async def test_a_token_is_kept_and_renewed_once_when_it_is_refused() -> None:
    """Two calls need one token; a 401 leads to one new token and one repeat; refused credentials send nothing."""
    asked: list[str] = []
    tokens = iter(["t1", "t2"])

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path.rpartition("/")[2])
        if request.url.path.endswith("/token"):
            return httpx.Response(200, json={"access_token": next(tokens), "expires_in": 3600})
        authorised = request.headers["authorization"]
        return httpx.Response(401 if authorised == "O-Bearer t1" and len(asked) > 3 else 201, json=REGISTERED)

    connector = gateway(with_oauth(), answer)
    assert isinstance(connector, Preparing)
    assert isinstance(connector, Checkable)
    outcomes = [(await connector.prepare(operation())).kind for _ in range(3)]
    assert outcomes == [OutcomeKind.PREPARED] * 3
    assert asked == ["token", "orders", "orders", "orders", "token", "orders"]
    refused = gateway(with_oauth(), answering(401))
    assert isinstance(refused, Preparing)
    outcome = await refused.prepare(operation())
    assert (outcome.kind, outcome.executed) == (OutcomeKind.DECLINED, Executed.NO)
    assert isinstance(refused, Checkable)
    assert "no token" in str(await refused.check())
    silent = gateway(with_oauth(), failing(httpx.ReadTimeout))
    assert isinstance(silent, Preparing)
    assert (await silent.prepare(operation())).kind is OutcomeKind.RETRYABLE


def request(body: bytes, content_type: str = "application/json", **headers: str) -> InboundRequest:
    """Return a request as received."""
    given = {"content-type": content_type} | {name.replace("_", "-"): value for name, value in headers.items()}
    return InboundRequest("POST", "https://clearway.example/hook", given, body, NOW)


async def test_a_proven_callback_names_the_payment_and_its_outcome() -> None:
    """The event is the same when it is sent again, another for another outcome, and its amount is read."""
    connector = gateway(calls(), answering())
    signed = {"id": "o1", "status": "PAID", "sum": "10.50", "currency": "978"}
    inbound = await read_inbound(connector, request(orjson.dumps(signed), x_signature=hmac_of(signed)))
    again = await read_inbound(connector, request(orjson.dumps(signed), x_signature=hmac_of(signed)))
    other = signed | {"status": "REFUSED"}
    refused = await read_inbound(connector, request(orjson.dumps(other), x_signature=hmac_of(other)))
    event = inbound.events[0]
    assert (event.trust, event.references, event.outcome.amount_minor) == (Trust.PROVEN, {"payment": "o1"}, 1050)
    assert (event.outcome.kind, event.outcome.captured) == (OutcomeKind.APPROVED, True)
    assert again.events[0].event_id == event.event_id
    assert refused.events[0].event_id != event.event_id
    assert refused.events[0].outcome.kind is OutcomeKind.DECLINED


@pytest.mark.parametrize("signature", ["", "00", hmac_of({"id": "o2"}), "\ud800"])
async def test_a_wrong_signature_is_refused(signature: str) -> None:
    """A missing, another body's and an unreadable signature."""
    signed = {"id": "o1", "status": "PAID", "sum": "10.50", "currency": "978"}
    with pytest.raises(SignatureInvalidError):
        await read_inbound(gateway(calls(), answering()), request(orjson.dumps(signed), x_signature=signature))


async def test_a_signed_time_is_near_that_of_receipt() -> None:
    """In both directions, by the time of receipt and not by the clock."""
    document = calls()
    document["callbacks"][0]["values"]["at"] = {"paths": ["at"]}
    document["callbacks"][0]["signature"]["time"] = {"value": "at", "within_s": 60}
    connector = gateway(document, answering())
    for offset_s, right in ((0, True), (59, True), (-59, True), (61, False), (-61, False)):
        at = NOW + timedelta(seconds=offset_s)
        for text in (str(int(at.timestamp())), at.isoformat()):
            signed = {"id": "o1", "status": "PAID", "sum": "10.50", "currency": "978", "at": text}
            given = request(orjson.dumps(signed), x_signature=hmac_of(signed))
            if right:
                assert (await read_inbound(connector, given)).events
            else:
                with pytest.raises(SignatureInvalidError, match="too far"):
                    await read_inbound(connector, given)


async def test_a_hint_says_nothing_but_whom_to_ask_about() -> None:
    """The claim of an unsigned message is not even read."""
    document = calls()
    callback = document["callbacks"][0]
    callback |= {"trust": "hint", "signature": None}
    inbound = await read_inbound(gateway(document, answering()), request(b'{"id":"o1","status":"PAID","sum":"1"}'))
    assert inbound.events[0].trust is Trust.HINT
    assert inbound.events[0].outcome == GatewayOutcome(OutcomeKind.UNKNOWN)


async def test_fields_are_hashed_as_they_were_received() -> None:
    """`1900.00` and `1900.0` are the same amount and not the same text."""
    connector = gateway(form(), answering())
    sign = form_sign("1900.0", BILL, "7")
    body = f"BILL={BILL}&SUM=1900.0&TRANSACTION=7&SIGN={sign}".encode()
    form_type = "application/x-www-form-urlencoded"
    inbound = await read_inbound(connector, request(body, form_type))
    assert inbound.events[0].outcome.amount_minor == 190_000
    assert inbound.answer is not None
    assert inbound.answer.body == b"OK"
    with pytest.raises(SignatureInvalidError):
        await read_inbound(connector, request(body.replace(b"1900.0&", b"1900.00&"), form_type))


@pytest.mark.parametrize(
    ("references", "refunded", "of_payment"),
    [
        ({}, {"reference": "payment"}, True),
        ({"capture": "id"}, {"reference": "payment"}, True),
        ({"capture": "id"}, {"reference": "capture"}, False),
        ({"capture": "id"}, "{{ reference.capture }}", False),
    ],
)
def test_a_refund_that_names_a_capture_is_of_one_capture(
    references: dict[str, str], refunded: Any, *, of_payment: bool
) -> None:
    """A reference that a capture gave, in the request of a refund, says that each refund gives back one capture."""
    answer = {"values": {"id": {"paths": ["id"]}}, "references": references}
    document = calls()
    document["capture"] = {"request": {"path": "/capture"}, "answer": answer}
    document["refund"] = {"request": {"path": "/refund", "json": {"of": refunded}}, "answer": {}}
    assert capabilities_of(document_of(orjson.dumps(document))).refund_of_payment is of_payment
