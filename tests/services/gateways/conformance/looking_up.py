"""What `recover` says of an operation that the gateway never saw."""

from __future__ import annotations

from datetime import UTC, datetime

from clearway.gateways.contract import OutcomeKind
from tests.services.gateways.asking import prepared
from tests.services.gateways.conformance.bench import Bench, ask


class LookingUp:
    """The rules of this subject."""

    async def test_look_up_of_an_unknown_key(self, bench: Bench) -> None:
        """An operation the gateway never saw is NOT_FOUND, its first step taken or not, and asking has no effect."""
        asked = ask(bench.good, first_sent_at=datetime.now(UTC), last_sent_at=datetime.now(UTC))
        assert (await bench.gateway.recover(asked)).kind is OutcomeKind.NOT_FOUND
        assert (await bench.gateway.recover(await prepared(bench.gateway, asked))).kind is OutcomeKind.NOT_FOUND
        assert await bench.effects(asked.payment_id) == []
