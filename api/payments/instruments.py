"""From what a request says about the way to pay, to what the gateway needs and what may be shown of it.

A raw card lives only in this module's local variables: it is exchanged for a token at once, in test mode only, and
neither number nor code is ever logged, stored or put into a workflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

from api.http.errors import FieldsInvalidError
from api.http.problems import FieldProblem
from api.http.services import Services
from api.payments.schemas import CardDetails, Instrument
from clearway.domain.errors import UnavailableError, UnprocessableError
from clearway.domain.payment import PaymentMethod
from clearway.domain.resources import CardSummary
from clearway.gateways.contract import Card, CardRefusedError, CardTokeniser, GatewayUnavailableError

FIELDS: Final = {
    PaymentMethod.UPI: ("vpa",),
    PaymentMethod.CARD: ("card", "token"),
    PaymentMethod.NETBANKING: ("bank",),
    PaymentMethod.WALLET: ("wallet",),
}


@dataclass(frozen=True, slots=True)
class Usable:
    """What a payment is made with: `instrument` for the gateway, `shown` for the payment resource."""

    instrument: str
    shown: dict[str, Any]


def check_instrument(asked: Instrument, services: Services) -> None:
    """Refuse instruments that do not fit the method, and raw cards where they may not come."""
    if asked.card is not None and not services.settings.accepts_test_cards:
        detail = (
            "Card numbers are not accepted here: have the gateway's own form make a token and send it as `token`. "
            "Nothing was stored or charged."
        )
        raise UnprocessableError("raw_card_refused", detail)
    wanted = FIELDS[asked.method]
    problems = [
        FieldProblem(field=name, message=f"This does not belong to a payment by {asked.method}")
        for fields in FIELDS.values()
        for name in fields
        if name not in wanted and getattr(asked, name) is not None
    ]
    given = [name for name in wanted if getattr(asked, name) is not None]
    if len(given) != 1:
        problems.append(FieldProblem(field=wanted[0], message=f"Exactly one of {', '.join(wanted)} is needed"))
    if problems:
        raise FieldsInvalidError(*problems)


async def make_usable(asked: Instrument, services: Services) -> Usable:
    """Return what the gateway can charge. Raises UnprocessableError or UnavailableError for a raw card."""
    if asked.card is not None:
        return await _tokenise(asked.card, services)
    if asked.token is not None:
        return Usable(asked.token, {})
    if asked.vpa is not None:
        return Usable(asked.vpa, {"vpa": asked.vpa})
    if asked.bank is not None:
        return Usable(asked.bank.code, {"bank": {"code": asked.bank.code}})
    assert asked.wallet is not None, "check_instrument has seen to it"
    return Usable(asked.wallet.code, {"wallet": {"code": asked.wallet.code}})


async def _tokenise(details: CardDetails, services: Services) -> Usable:
    card = Card(
        number=details.number.get_secret_value().replace(" ", "").replace("-", ""),
        expiry_month=details.expiry_month,
        expiry_year=details.expiry_year,
        cvv=details.cvv.get_secret_value(),
        holder_name=details.holder_name,
    )
    tokeniser = cast("CardTokeniser", services.gateways["simulator"])
    try:
        token = await tokeniser.tokenise(card)
    except CardRefusedError as error:
        raise UnprocessableError(error.code, str(error)) from None
    except GatewayUnavailableError:
        detail = "The gateway could not be reached to tokenise the card; nothing was charged. Try again."
        raise UnavailableError("gateway_unavailable", detail) from None
    summary = CardSummary(
        brand=token.brand, last4=token.last4, expiry_month=token.expiry_month, expiry_year=token.expiry_year
    )
    return Usable(token.token, {"card": summary.data()})
