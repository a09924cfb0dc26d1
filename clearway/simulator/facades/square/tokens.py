"""Payment tokens: those of Square's sandbox, and some more of the stand-in for what the sandbox has no token for.

Sources: developer.squareup.com/docs/devtools/sandbox/payments. A token is good for any number of payments there.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass, replace
from typing import Final

from clearway.simulator.cards import CheckedCard
from clearway.simulator.engine import Engine
from clearway.simulator.facades.square.errors import SquareError
from clearway.simulator.scenarios import APPROVE, Outcome, RefundCourse, Scenario


@dataclass(frozen=True, slots=True)
class Source:
    """What a token stands for. code: Square's code, where the engine's failure does not say it. delay_s: of a bank."""

    scenario: Scenario
    code: str | None = None
    delay_s: float = 0.0

    @property
    def is_bank(self) -> bool:
        """Whether the payment is pending at first."""
        return self.delay_s > 0


def _refused(failure: str, code: str) -> Source:
    return Source(Scenario(Outcome.DECLINE, failure), code)


SOURCES: Final = {
    "cnon:card-nonce-ok": Source(APPROVE),
    "cnon:card-nonce-rejected-cvv": _refused("incorrect_cvc", "CVV_FAILURE"),
    "cnon:card-nonce-rejected-postalcode": _refused("generic_decline", "ADDRESS_VERIFICATION_FAILURE"),
    "cnon:card-nonce-rejected-expiration": _refused("expired_card", "INVALID_EXPIRATION"),
    "cnon:card-nonce-declined": _refused("generic_decline", "GENERIC_DECLINE"),
    "cnon:card-nonce-requires-verification": _refused("authentication_failed", "CARD_DECLINED_VERIFICATION_REQUIRED"),
    "bnon:bank-nonce-ok": Source(APPROVE, delay_s=0.5),
    "bnon:bank-nonce-insufficient-funds": replace(_refused("insufficient_funds", "INSUFFICIENT_FUNDS"), delay_s=0.5),
    # Not in Square's sandbox:
    "cnon:clearway-insufficient-funds": _refused("insufficient_funds", "INSUFFICIENT_FUNDS"),
    "cnon:clearway-refund-pending": Source(replace(APPROVE, refund=RefundCourse.PENDING)),
    "cnon:clearway-refund-fails": Source(replace(APPROVE, refund=RefundCourse.FAILED)),
}
USED: Final = "cnon:card-nonce-already-used"


def resolve(engine: Engine, source_id: str) -> tuple[Source, str]:
    """Return what a token stands for, and a new instrument of the engine for it. Raises SquareError."""
    if source_id == USED:
        raise SquareError("CARD_TOKEN_USED", "The provided card token was already used.", field="source_id")
    source = SOURCES.get(source_id)
    if source is None:
        raise SquareError("NOT_FOUND", "Card token not found.", field="source_id")
    instrument = f"{source_id}/{secrets.token_hex(12)}"
    expiry = dt.datetime.now(tz=dt.UTC).year + 1
    engine.add_token(CheckedCard(source.scenario, "visa", "1111", 12, expiry), instrument)
    return source, instrument
