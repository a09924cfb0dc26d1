"""From the customer's way to pay to what the gateway can charge and what may be shown.

A raw card lives only in local variables here: it is exchanged for a token at once, for test merchants only. Neither
number nor code is ever logged, stored or put into a workflow. What is kept is a fingerprint, a keyed hash.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog

from clearway.crypto.card_fingerprints import card_fingerprints
from clearway.domain.errors import UnavailableError, UnprocessableError
from clearway.domain.gateway import GatewayConfig
from clearway.domain.merchant import Mode
from clearway.domain.payment import PaymentMethod, UpiFlow
from clearway.domain.resources import CardSummary
from clearway.gateways.connections import GatewayUnusableError
from clearway.gateways.contract import (
    Card,
    CardDescriber,
    CardRefusedError,
    CardToken,
    CardTokeniser,
    GatewayUnavailableError,
)
from clearway.services import Services

DESCRIBED_WITHIN_S: Final = 2
"""How long a payment with a token waits to be told which card it is; without that it is made all the same."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Instrument:
    """How the customer pays: exactly one of vpa, card, token, bank and wallet, as the method asks for.

    UPI without a VPA is by intent: the gateway gives a link, which the customer's UPI app opens or scans.

    card_reference: the merchant's own name of a card, to recognise it.
    """

    method: PaymentMethod
    vpa: str | None = None
    card: Card | None = field(default=None, repr=False)
    token: str | None = None
    bank: str | None = None
    wallet: str | None = None
    return_url: str | None = None
    card_reference: str | None = None

    @property
    def upi(self) -> UpiFlow | None:
        """How a UPI payment begins; None: it is none."""
        if self.method is not PaymentMethod.UPI:
            return None
        return UpiFlow.INTENT if self.vpa is None else UpiFlow.COLLECT


@dataclass(frozen=True, slots=True)
class Usable:
    """What a payment is made with: `instrument` for the gateway, `shown` for the payment resource.

    card: the fingerprints of a card.
    """

    instrument: str
    shown: dict[str, Any]
    card: tuple[str, ...] = ()


def refuse_raw_card(mode: Mode, instrument: Instrument) -> None:
    """Refuse a raw card of a live merchant. Raises UnprocessableError."""
    if instrument.card is not None and mode is not Mode.TEST:
        detail = (
            "Card numbers are accepted from test merchants only. Nothing was stored or charged. Let the gateway's own "
            "form create a token, and send it as `token`."
        )
        raise UnprocessableError("raw_card_refused", detail)


async def make_usable(services: Services, mode: Mode, instrument: Instrument, gateway: GatewayConfig) -> Usable:
    """Return what this gateway can charge. Raises UnprocessableError or UnavailableError for a raw card."""
    refuse_raw_card(mode, instrument)
    if instrument.card is not None:
        usable = await _tokenise(services, instrument.card, gateway)
        return replace(usable, card=_fingerprints(services, instrument, gateway))
    if instrument.token is not None:
        shown = await _described(services, instrument.token, gateway)
        return Usable(instrument.token, shown, _fingerprints(services, instrument, gateway))
    if instrument.upi is UpiFlow.INTENT:
        return Usable("", {})
    if instrument.vpa is not None:
        return Usable(instrument.vpa, {"vpa": instrument.vpa})
    if instrument.bank is not None:
        return Usable(instrument.bank, {"bank": {"code": instrument.bank}})
    assert instrument.wallet is not None, "an instrument has exactly one way to pay"
    return Usable(instrument.wallet, {"wallet": {"code": instrument.wallet}})


def _fingerprints(services: Services, instrument: Instrument, gateway: GatewayConfig) -> tuple[str, ...]:
    """Return the fingerprints of a card: by the merchant's name of it, by its number, or by its token alone."""
    if instrument.card_reference is not None:
        named = f"reference:{instrument.card_reference}"
    elif instrument.card is not None:
        named = f"number:{instrument.card.number}"
    else:
        named = f"token:{gateway.kind}:{instrument.token}"
    return card_fingerprints(services.peppers, gateway.merchant_id, named)


async def _tokenise(services: Services, card: Card, gateway: GatewayConfig) -> Usable:
    try:
        tokeniser = (await services.gateways.get(gateway.id)).gateway
        if not isinstance(tokeniser, CardTokeniser):
            raise _takes_tokens_only(gateway)
        token = await tokeniser.tokenise(card)
    except CardRefusedError as error:
        raise UnprocessableError(error.code, str(error)) from None
    except (GatewayUnavailableError, GatewayUnusableError):
        detail = "The gateway could not be reached, so the card has no token. Nothing was charged. Repeat the request."
        raise UnavailableError("gateway_unavailable", detail) from None
    return Usable(token.token, _shown(token))


async def _described(services: Services, token: str, gateway: GatewayConfig) -> dict[str, Any]:
    """Return what may be shown of a token's card. It is nothing that a payment waits or fails for."""
    try:
        describer = (await services.gateways.get(gateway.id)).gateway
        if not isinstance(describer, CardDescriber):
            return {}
        async with asyncio.timeout(DESCRIBED_WITHIN_S):
            card = await describer.describe(token)
    except (CardRefusedError, GatewayUnavailableError, GatewayUnusableError, TimeoutError) as error:
        log.info("card_not_described", gateway_id=gateway.id, error=type(error).__name__)
        return {}
    return {} if card is None else _shown(card)


def _shown(card: CardToken) -> dict[str, Any]:
    summary = CardSummary(
        brand=card.brand, last4=card.last4, expiry_month=card.expiry_month, expiry_year=card.expiry_year
    )
    return {"card": summary.data()}


def _takes_tokens_only(gateway: GatewayConfig) -> UnprocessableError:
    detail = (
        f"Gateway {gateway.id} ({gateway.kind}) takes no card numbers. Nothing was stored or charged. Let its own form "
        "create a token, and send it as `token`."
    )
    return UnprocessableError("raw_card_refused", detail)
