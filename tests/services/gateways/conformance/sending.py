"""What an authorisation answers: approved, declined, or what the customer must do."""

from __future__ import annotations

from clearway.domain.errors import DECLINE_CODES
from clearway.gateways.contract import OutcomeKind
from tests.services.gateways.conformance.bench import Bench, begun, needs, sent, settled


class Sending:
    """The rules of this subject."""

    async def test_approved_payment_is_captured_with_all_details(self, bench: Bench) -> None:
        """An automatic payment ends approved and captured, with the amount, currency and reference of the gateway."""
        asked = await begun(bench, bench.good)
        await sent(bench, asked)
        outcome = await settled(bench, asked, OutcomeKind.APPROVED)
        assert (outcome.amount_minor, outcome.currency, outcome.captured) == (bench.amount_minor, bench.currency, True)
        assert {**asked.references, **outcome.references}["payment"]
        assert await bench.effects(asked.payment_id) == ["authorised", "captured"]

    @needs("declines")
    async def test_decline_has_a_unified_code_and_no_effect(self, bench: Bench) -> None:
        """A refused payment ends declined with a code of DECLINE_CODES, and nothing was taken."""
        asked = await begun(bench, bench.refused)
        await sent(bench, asked)
        outcome = await settled(bench, asked, OutcomeKind.DECLINED)
        assert outcome.error_code in DECLINE_CODES
        assert outcome.captured is False
        assert await bench.effects(asked.payment_id) == []

    async def test_challenge_gives_a_url(self, bench: Bench) -> None:
        """A payment that needs its customer says where to send them, and takes nothing."""
        asked = await begun(bench, bench.challenged)
        outcome = await bench.gateway.authorise(asked)
        assert outcome.kind is OutcomeKind.NEEDS_ACTION
        assert outcome.action is not None
        assert outcome.action.url.startswith("http")
        assert await bench.effects(asked.payment_id) == []
