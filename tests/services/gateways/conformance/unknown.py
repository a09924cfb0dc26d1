"""What is not known of a payment whose answer was lost, and what was surely not executed."""

from __future__ import annotations

import pytest

from clearway.gateways.contract import Executed, OutcomeKind
from tests.services.gateways.conformance.bench import Bench, begun, sent, settled


class Unknown:
    """The rules of this subject."""

    @pytest.mark.parametrize("fault", ["executed_then_dropped", "error_after_charge", "malformed"])
    async def test_a_lost_answer_is_found_out_and_charged_once(self, bench: Bench, fault: str) -> None:
        """What may have been executed is never called unexecuted; asking tells, and sending again has no effect."""
        assert bench.switch is not None, "a stand-in has faults"
        asked = await begun(bench, bench.good)
        await bench.switch(operation="authorise", fault=fault, times=1)
        outcome = await sent(bench, asked)
        assert outcome.executed is not Executed.NO
        assert outcome.kind is not OutcomeKind.DECLINED
        await settled(bench, asked, OutcomeKind.APPROVED)
        await sent(bench, asked)
        assert await bench.effects(asked.payment_id) == ["authorised", "captured"]

    @pytest.mark.parametrize("fault", ["error_before", "rate_limited", "dropped_before"])
    async def test_what_was_refused_before_it_began_has_no_effect(self, bench: Bench, fault: str) -> None:
        """A request that was not carried out is neither a success nor a decline, and succeeds when it is sent again."""
        assert bench.switch is not None, "a stand-in has faults"
        asked = await begun(bench, bench.good)
        await bench.switch(operation="authorise", fault=fault, times=1, retry_after_s=0)
        outcome = await sent(bench, asked)
        on_a_page = {OutcomeKind.NEEDS_ACTION} if bench.press is not None else set()
        assert outcome.kind in {OutcomeKind.RETRYABLE, OutcomeKind.UNKNOWN} | on_a_page
        assert await bench.effects(asked.payment_id) == []
        await sent(bench, asked)
        await settled(bench, asked, OutcomeKind.APPROVED)
        assert await bench.effects(asked.payment_id) == ["authorised", "captured"]
