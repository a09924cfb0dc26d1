"""The instrument of a retry counts from the moment when the retry is recorded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from clearway.domain.actor import Actor
from clearway.domain.attempt import GatewayChoice
from clearway.domain.payment import PaymentStatus
from workflows.inbox import Command
from workflows.payment import retries


class NotRecordedError(Exception):
    """The database takes no step."""


async def test_an_instrument_whose_retry_is_not_recorded_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the step fails, the run still has the instrument before: a later attempt must not charge the other."""

    async def change(*_: Any, **__: Any) -> None:
        raise NotRecordedError

    monkeypatch.setattr(retries, "retry_refusal", lambda *_: None)
    run: Any = SimpleNamespace(
        change=change,
        new=SimpleNamespace(id="pay_1", personal="sealed: the first"),
        record=SimpleNamespace(retries={}),
        payment=SimpleNamespace(gateway="simulator", gateway_id="gw_1", status=PaymentStatus.RETRYING),
        attempt=1,
        retries_made=0,
    )
    asked: Any = SimpleNamespace(
        retry_id="rty_1",
        at=GatewayChoice("simulator", "gw_1"),
        asked_by=Actor("user:usr_ana", "mer_1"),
        personal="sealed: the second",
    )
    with pytest.raises(NotRecordedError):
        await retries.retry(run, Command("rty_1", retry=asked))
    assert (run.new.personal, run.attempt, run.retries_made) == ("sealed: the first", 1, 0)
