"""The connector's abilities. A payment whose answer was lost is found in a list, which lags some seconds behind."""

from __future__ import annotations

from typing import Final

from clearway.domain.payment import PaymentMethod
from clearway.gateways.contract import Abilities, Capabilities, Closes, Finding, FindsOut, Lists, OperationKind

LIST_LAG_S: Final = 60.0
"""Square says "seconds", and no number."""
PAYOUT_LAG_S: Final = 3_600.0
PAID_OUT_WITHIN_S: Final = 4 * 86_400.0
"""Square shows a movement only with the payout that pays it: on the next business day, so a weekend later at most."""
METHODS: Final = frozenset({PaymentMethod.CARD})


def abilities(currency: str | None) -> Abilities:
    """Return what one location can do. A location has one currency, and a payment one capture.

    currency: None: it is not known yet, so no currency is among its capabilities.
    """
    currencies = frozenset({currency} if currency else ())
    by_id = Finding(FindsOut.BY_REFERENCE)
    return Abilities(
        finds=Finding(FindsOut.BY_SCAN, lag_s=LIST_LAG_S),
        finds_otherwise={OperationKind.CAPTURE: by_id, OperationKind.VOID: by_id},
        capabilities=Capabilities(methods=METHODS, currencies=currencies, repeated_capture=False),
        closes=Closes.AT_ONCE,
        lists=Lists(LIST_LAG_S, PAID_OUT_WITHIN_S, PAYOUT_LAG_S),
    )
