"""Customers who pay by PayPal, at shops with three gateways."""

from __future__ import annotations

from typing import Final

from tests.fire.gauntlet.businesses import (
    REFUND_SHARES,
    BusinessKind,
    draw_with,
    one_in,
    refunds_after_a_page,
    visits_a_page,
)
from tests.fire.gauntlet.instruments import PAYPAL_BUTTONS, PAYPAL_FIRST, SIMULATOR_FIRST, paypal_value

KINDS: Final[tuple[BusinessKind, ...]] = (
    BusinessKind(
        "pays by PayPal",
        24,
        visits_a_page,
        draw_with(paypal_value, notes=lambda _: PAYPAL_FIRST, button=lambda chance: chance.choice(PAYPAL_BUTTONS)),
    ),
    BusinessKind(
        "pays by PayPal if it must",
        8,
        visits_a_page,
        draw_with(paypal_value, notes=lambda _: SIMULATOR_FIRST, button=lambda chance: chance.choice(PAYPAL_BUTTONS)),
    ),
    BusinessKind(
        "refunds PayPal",
        6,
        refunds_after_a_page,
        draw_with(
            paypal_value,
            notes=lambda _: PAYPAL_FIRST,
            button="approve/balance",
            times=1,
            at_once=one_in(2),
            shares=lambda chance: chance.choice(REFUND_SHARES),
        ),
    ),
    BusinessKind(
        "leaves PayPal", 2, visits_a_page, draw_with(paypal_value, notes=lambda _: PAYPAL_FIRST, button="leave"), True
    ),
)
