"""The connector's abilities. Outcomes are found by the PaymentIntent's id, which is recorded before money can move."""

from __future__ import annotations

from typing import Final

from clearway.domain.payment import PaymentMethod
from clearway.gateways.contract import Abilities, Capabilities, Closes, Finding, FindsOut, Lists
from clearway.gateways.stripe.amounts import CURRENCIES, MAXIMA, MINIMA, STEPS

KEY_LIFE_S: Final = 23 * 3_600.0
"""Stripe forgets an idempotency key after 24 hours or later; an hour is kept back."""
METHODS: Final = frozenset({PaymentMethod.CARD})


def abilities(*, multicapture: bool) -> Abilities:
    """Return what an account can do. multicapture: whether its pricing has captures in several parts."""
    return Abilities(
        finds=Finding(FindsOut.BY_REFERENCE, key_life_s=KEY_LIFE_S),
        capabilities=Capabilities(
            methods=METHODS,
            currencies=CURRENCIES,
            minimum_minor=MINIMA,
            maximum_minor=MAXIMA,
            step_minor=STEPS,
            repeated_capture=multicapture,
        ),
        closes=Closes.AT_ONCE,
        lists=Lists(operations_lag_s=60, balance_lag_s=3_600, payouts_lag_s=3_600),
        finds_lost=True,
    )
