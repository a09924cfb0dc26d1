"""Keeping to the limits of the card networks: asked before an attempt with a card is sent, and after a decline.

Each question is one indexed read, and only for a card. While the database is away the attempt is sent: the limits save
fees, and hold no money back. Two attempts at once may both be the last one that is allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db import card_declines
from clearway.db.engine import each_for_itself
from clearway.domain.card_limits import CARD_RETRY_LIMIT, CardDecline, CardLimit, brand_of, read_limits, refusal
from clearway.domain.errors import DECLINE_CODES
from clearway.domain.gateway_error import Elsewhere
from clearway.domain.merchant import Mode
from clearway.domain.money import Money
from clearway.domain.payment import PersonalData
from clearway.gateways.contract import Executed, GatewayOutcome, OutcomeKind
from clearway.settings import Settings

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CardStanding:
    """What a card's declines allow. declines: newest first."""

    declines: Sequence[CardDecline]
    limits: tuple[CardLimit, ...]
    brand: str | None
    money: Money

    def refusal(self) -> GatewayOutcome | None:
        """Return the outcome of an attempt that must not be sent, or None."""
        why = refusal(self.declines, self.limits, self.brand, self.money, datetime.now(UTC))
        if why is None:
            return None
        detail = f"The card was not tried: {why}. Nothing was sent or taken. Use another card."
        return GatewayOutcome(OutcomeKind.DECLINED, Executed.NO, error_code=CARD_RETRY_LIMIT, error_description=detail)

    def after(self, outcome: GatewayOutcome) -> GatewayOutcome:
        """Return a decline without another attempt, here or elsewhere, if the limits allow none after it."""
        another = outcome.elsewhere is not Elsewhere.NO or outcome.worth_again_s is not None
        if outcome.kind is not OutcomeKind.DECLINED or outcome.executed is not Executed.YES or not another:
            return outcome
        now = datetime.now(UTC)
        brand = brand_of(self.brand, outcome.network_code)
        last = CardDecline(now, brand, self.money.amount_minor, self.money.currency, outcome.never_again)
        why = refusal([last, *self.declines], self.limits, brand, self.money, now)
        if why is None:
            return outcome
        said = outcome.error_description or DECLINE_CODES.get(outcome.error_code or "", "")
        told = f"{said} The card is not tried again: {why}.".lstrip()
        return replace(outcome, elsewhere=Elsewhere.NO, worth_again_s=None, error_description=told)


NO_LIMIT: Final = CardStanding((), (), None, Money(0, "USD"))


class CardLimits:
    """The limits of one installation, and the declines in its database."""

    def __init__(self, engine: AsyncEngine, settings: Settings) -> None:
        self._reader = each_for_itself(engine)
        self._limits = read_limits(settings.card_limits)
        self._of_test = settings.card_limits_in_test_mode

    async def standing(self, merchant_id: str, mode: Mode, personal: PersonalData, money: Money) -> CardStanding:
        """Return what the declines of a payment's card allow."""
        if not self._limits or not personal.card or (mode is Mode.TEST and not self._of_test):
            return NO_LIMIT
        try:
            async with self._reader.connect() as connection:
                declines = await card_declines.of_card(connection, merchant_id, personal.card, datetime.now(UTC))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("card_declines_not_read", merchant_id=merchant_id, error=type(error).__name__)
            return NO_LIMIT
        shown = (personal.shown.get("card") or {}).get("brand")
        return CardStanding(declines, self._limits, brand_of(shown, None), money)
