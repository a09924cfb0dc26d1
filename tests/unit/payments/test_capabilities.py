"""Captures and refunds that a gateway cannot make are refused, with what to do instead."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from clearway.domain.errors import UnprocessableError
from clearway.domain.payment import PaymentMethod
from clearway.gateways.contract import Capabilities
from clearway.payments.capabilities import refuse_capture, refuse_refund

ABLE = Capabilities(frozenset(PaymentMethod))
PAYMENT: Any = SimpleNamespace(id="pay_1", amount=1_000, amount_captured=800)


@pytest.mark.parametrize(
    ("lacks", "amount_minor", "final", "refused"),
    [
        ({}, 400, False, False),
        ({"partial_capture": False}, 400, True, True),
        ({"partial_capture": False}, 1_000, True, False),
        ({"partial_capture": False}, None, True, False),
        ({"repeated_capture": False}, 400, True, False),
        ({"repeated_capture": False}, 400, False, True),
    ],
)
def test_a_capture_is_what_the_gateway_can_make(
    lacks: dict[str, bool], amount_minor: int | None, *, final: bool, refused: bool
) -> None:
    """A part is refused where only the whole is captured, and more to come where there is one capture."""
    able = replace(ABLE, **lacks)
    if not refused:
        refuse_capture(able, PAYMENT, amount_minor, final=final)
        return
    with pytest.raises(UnprocessableError, match="Nothing was captured"):
        refuse_capture(able, PAYMENT, amount_minor, final=final)


@pytest.mark.parametrize(
    ("lacks", "amount_minor", "refused"),
    [
        ({}, 400, False),
        ({"refund": False}, None, True),
        ({"partial_refund": False}, 400, True),
        ({"partial_refund": False}, 800, False),
        ({"partial_refund": False}, None, False),
    ],
)
def test_a_refund_is_what_the_gateway_can_make(
    lacks: dict[str, bool], amount_minor: int | None, *, refused: bool
) -> None:
    """No refund where there is none by API, and no part where only the whole is refunded."""
    able = replace(ABLE, **lacks)
    if not refused:
        refuse_refund(able, PAYMENT, amount_minor)
        return
    with pytest.raises(UnprocessableError, match="Nothing was refunded"):
        refuse_refund(able, PAYMENT, amount_minor)
