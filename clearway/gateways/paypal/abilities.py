"""The connector's abilities. Outcomes are found by the order's id, which is recorded before money can move."""

from __future__ import annotations

from typing import Final

from clearway.domain.payment import PaymentMethod
from clearway.gateways.contract import Abilities, Capabilities, Closes, Finding, FindsOut, Lists
from clearway.gateways.paypal.amounts import CURRENCIES, STEPS

ORDER_KEY_LIFE_S: Final = 5 * 3_600.0
"""PayPal forgets the request ids of orders after 6 hours; an hour is kept back."""
REPORTED_AFTER_S: Final = 3 * 3_600.0
"""PayPal's reports are up to 3 hours late. They list no payouts: withdrawals are balance rows."""
METHODS: Final = frozenset({PaymentMethod.WALLET})
ABILITIES: Final = Abilities(
    finds=Finding(FindsOut.BY_REFERENCE, key_life_s=ORDER_KEY_LIFE_S),
    capabilities=Capabilities(methods=METHODS, currencies=CURRENCIES, step_minor=STEPS, refund_of_payment=False),
    closes=Closes.AT_ONCE,
    lists=Lists(operations_lag_s=REPORTED_AFTER_S, balance_lag_s=REPORTED_AFTER_S),
)
"""An order that we do not capture takes no money: an attempt is over as soon as we stop."""
