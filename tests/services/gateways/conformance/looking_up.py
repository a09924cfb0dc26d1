"""What `recover` says of an operation that the gateway never saw."""

from __future__ import annotations

from datetime import UTC, datetime

from clearway.gateways.contract import OutcomeKind
from tests.services.gateways.asking import prepared
from tests.services.gateways.conformance.bench import Bench, ask, needs


class LookingUp:
    """The rules of this subject."""

    @needs("look_up")
    async def test_look_up_of_an_unknown_key(self, bench: Bench) -> None:
        """An operation the gateway never saw is NOT_FOUND, its first step taken or not, and asking has no effect.

        Where the first step makes the page on which the customer pays, the payment waits for the customer after it.
        """
        asked = ask(bench, bench.good, first_sent_at=datetime.now(UTC), last_sent_at=datetime.now(UTC))
        assert (await bench.gateway.recover(asked)).kind is OutcomeKind.NOT_FOUND
        after = await bench.gateway.recover(await prepared(bench.gateway, asked))
        assert after.kind is (OutcomeKind.NOT_FOUND if bench.press is None else OutcomeKind.NEEDS_ACTION)
        assert await bench.effects(asked.payment_id) == []
