"""Every rule of the conformance suite finds a connector that breaks it: the simulator's, broken once for each rule."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from clearway.gateways.contract import (
    EventUnreadableError,
    Executed,
    Gateway,
    GatewayOutcome,
    Inbound,
    InboundRequest,
    Operation,
    OutcomeKind,
    SignatureInvalidError,
)
from tests.services.gateways import asking
from tests.services.gateways.conformance import Bench, GatewayConformance
from tests.services.gateways.running import Simulator
from tests.services.gateways.test_simulator_conformance import bench_of
from tests.support.receiver import Receiver

Call = Callable[[Operation], Awaitable[GatewayOutcome]]
Break = Callable[[Any], dict[str, Any]]
"""Takes the connector, returns the methods that are broken."""
FOUND: Final = (AssertionError, pytest.fail.Exception, ArithmeticError)
CALLS: Final = ("authorise", "recover", "capture", "void", "refund")
AN_EVENT: Final[Any] = object()
RIGHT: Final = GatewayOutcome(OutcomeKind.APPROVED, amount_minor=1_000, currency="INR", captured=True)


class Mutant:
    """A connector with some of its methods replaced."""

    def __init__(self, real: Gateway, broken: dict[str, Any]) -> None:
        self._real, self._broken = real, broken

    def __getattr__(self, name: str) -> Any:
        broken = self.__dict__["_broken"]
        return broken[name] if name in broken else getattr(self.__dict__["_real"], name)


def changed(*names: str, **values: Any) -> Break:
    """Answer with another field than the gateway gave."""

    def broken(real: Any) -> dict[str, Any]:
        def of(name: str) -> Call:
            async def call(operation: Operation) -> GatewayOutcome:
                return replace(await getattr(real, name)(operation), **values)

            return call

        return {name: of(name) for name in names}

    return broken


def mapped(*names: str, **kinds: GatewayOutcome) -> Break:
    """Answer otherwise where the outcome is of a kind."""

    def broken(real: Any) -> dict[str, Any]:
        def of(name: str) -> Call:
            async def call(operation: Operation) -> GatewayOutcome:
                outcome: GatewayOutcome = await getattr(real, name)(operation)
                return kinds.get(outcome.kind.value, outcome)

            return call

        return {name: of(name) for name in names}

    return broken


def answered(name: str, kind: OutcomeKind = OutcomeKind.APPROVED) -> Break:
    """Answer without asking the gateway."""

    async def call(operation: Operation) -> GatewayOutcome:
        return GatewayOutcome(kind, amount_minor=operation.amount_minor, currency=operation.currency)

    return lambda _: {name: call}


def with_new_keys(name: str) -> Break:
    """Send every request under a key of its own."""
    numbers = itertools.count(1)

    def broken(real: Any) -> dict[str, Any]:
        async def call(operation: Operation) -> GatewayOutcome:
            owner, kind, _ = operation.key.split(":")
            outcome: GatewayOutcome = await getattr(real, name)(
                replace(operation, key=f"{owner}:{kind}:{next(numbers)}")
            )
            return outcome

        return {name: call}

    return broken


def forgiving(real: Any) -> dict[str, Any]:
    """Take one key with two requests for a doubt."""

    async def authorise(operation: Operation) -> GatewayOutcome:
        try:
            outcome: GatewayOutcome = await real.authorise(operation)
        except Exception:  # noqa: BLE001 - the fault of this mutant
            return GatewayOutcome(OutcomeKind.UNKNOWN)
        return outcome

    return {"authorise": authorise}


def credulous(*errors: type[Exception]) -> Break:
    """Take a webhook that must be refused for one that says nothing."""

    def broken(real: Any) -> dict[str, Any]:
        async def read_inbound(request: InboundRequest) -> Inbound:
            try:
                inbound: Inbound = await real.read_inbound(request)
            except errors:
                return Inbound((AN_EVENT,))
            return inbound

        return {"read_inbound": read_inbound}

    return broken


def timeless(real: Any) -> dict[str, Any]:
    """Judge a signature by its own time."""

    async def read_inbound(request: InboundRequest) -> Inbound:
        at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
        inbound: Inbound = await real.read_inbound(replace(request, received_at=at))
        return inbound

    return {"read_inbound": read_inbound}


def saying(**values: Any) -> Break:
    """Read another event than the webhook says."""

    def broken(real: Any) -> dict[str, Any]:
        async def read_inbound(request: InboundRequest) -> Inbound:
            inbound = await real.read_inbound(request)
            return replace(inbound, events=tuple(replace(event, **values) for event in inbound.events))

        return {"read_inbound": read_inbound}

    return broken


def failing(*names: str) -> Break:
    """Fail where the gateway's text is not what was expected."""

    async def call(_: Any) -> Any:
        raise ArithmeticError("not what was expected")

    return lambda _: dict.fromkeys(names, call)


@dataclass(frozen=True)
class Planted:
    """A broken connector, and the rule that must find it. given: the parameters of the rule."""

    rule: str
    broken: Break
    given: dict[str, Any] | None = None


DECLINED: Final = GatewayOutcome(OutcomeKind.DECLINED, error_code="payment_declined")
SURELY_NOT: Final = GatewayOutcome(OutcomeKind.RETRYABLE, Executed.NO)
PLANTED: Final = (
    Planted("test_approved_payment_is_captured_with_all_details", changed("recover", amount_minor=999)),
    Planted("test_decline_has_a_unified_code_and_no_effect", changed("recover", error_code="E42")),
    Planted("test_challenge_gives_a_url", changed("authorise", action=None)),
    Planted(
        "test_a_lost_answer_is_found_out_and_charged_once",
        mapped("authorise", unknown=SURELY_NOT),
        {"fault": "executed_then_dropped"},
    ),
    Planted(
        "test_what_was_refused_before_it_began_has_no_effect",
        mapped("authorise", retryable=DECLINED),
        {"fault": "error_before"},
    ),
    Planted("test_same_key_has_one_effect", with_new_keys("authorise")),
    Planted("test_same_key_other_request_is_our_mistake", forgiving),
    Planted("test_capture_repeats_with_its_key", with_new_keys("capture")),
    Planted("test_refund_repeats_with_its_key", with_new_keys("refund")),
    Planted("test_look_up_of_an_unknown_key", mapped("recover", not_found=DECLINED)),
    Planted("test_manual_capture_in_parts", mapped("capture", declined=RIGHT)),
    Planted("test_void_releases_what_is_left", answered("void")),
    Planted("test_void_calls_off_what_is_undecided", answered("void")),
    Planted("test_void_comes_too_late", mapped("void", declined=RIGHT)),
    Planted("test_refunds_never_exceed_what_was_captured", mapped("refund", declined=RIGHT)),
    Planted("test_follow_up_of_an_unknown_payment", mapped("void", declined=GatewayOutcome(OutcomeKind.UNKNOWN))),
    Planted("test_webhook_agrees_with_look_up", saying(outcome=RIGHT)),
    Planted("test_refund_webhook", saying(key="rfnd_1:refund:1")),
    Planted("test_stale_and_future_webhooks_are_refused", timeless, {"skew_s": 400}),
    Planted("test_malformed_signatures_are_refused", credulous(SignatureInvalidError), {"signature": "v1"}),
    Planted("test_unsigned_webhooks_are_refused", credulous(SignatureInvalidError)),
    Planted("test_signed_nonsense_is_unreadable", credulous(EventUnreadableError), {"body": b"null"}),
    Planted("test_no_answer_makes_a_call_fail", failing(*CALLS), {"status": 200}),
    Planted("test_an_answer_that_cannot_be_read_is_unknown", mapped(*CALLS, unknown=DECLINED)),
    Planted("test_no_webhook_makes_reading_fail", failing("read_inbound")),
)
RULES: Final = {name for name in dir(GatewayConformance) if name.startswith("test_")}


@pytest.fixture
def bench(simulator: Simulator, receiver: Receiver) -> Bench:
    """Put the simulator that decides at once on the bench."""
    return bench_of(simulator, receiver)


def mutated(bench: Bench, broken: Break) -> Bench:
    """Return the bench with the broken connector, also where it speaks to another address."""

    def connect(url: str) -> Gateway:
        real = bench.connect(url)
        return Mutant(real, broken(real))  # type: ignore[return-value]

    return replace(bench, gateway=Mutant(bench.gateway, broken(bench.gateway)), connect=connect)  # type: ignore[arg-type]


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.rule.removeprefix("test_"))
async def test_a_broken_connector_is_found(bench: Bench, planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule passes with the connector as it is, and fails with the one that breaks it."""
    rule, given = getattr(GatewayConformance(), planted.rule), planted.given or {}
    await rule(bench, **given)
    monkeypatch.setattr(asking, "PATIENCE_S", 0.5)
    with pytest.raises(FOUND):
        await rule(mutated(bench, planted.broken), **given)


def test_every_rule_was_seen_red() -> None:
    """No rule is in the suite that no broken connector fails."""
    assert {planted.rule for planted in PLANTED} == RULES
