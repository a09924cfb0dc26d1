"""Reading how the customer pays from a request: the fields must fit the method."""

from __future__ import annotations

from typing import Final

from api.http.errors import FieldsInvalidError
from api.http.problems import FieldProblem
from api.payments import schemas
from api.payments.schemas import CardDetails
from clearway.domain.payment import PaymentMethod
from clearway.gateways.contract import Card
from clearway.payments.instruments import Instrument

FIELDS: Final = {
    PaymentMethod.UPI: ("vpa",),
    PaymentMethod.CARD: ("card", "token"),
    PaymentMethod.NETBANKING: ("bank",),
    PaymentMethod.WALLET: ("wallet",),
}
NEEDS_NOTHING: Final = frozenset({PaymentMethod.UPI})
"""Methods with a way to pay for which the customer enters nothing."""


def read_instrument(asked: schemas.Instrument) -> Instrument:
    """Return the instrument. Raises FieldsInvalidError."""
    instrument = Instrument(
        method=asked.method,
        vpa=asked.vpa,
        card=None if asked.card is None else _card(asked.card),
        token=asked.token,
        bank=None if asked.bank is None else asked.bank.code,
        wallet=None if asked.wallet is None else asked.wallet.code,
        return_url=asked.return_url,
        card_reference=_card_reference(asked),
    )
    _check_fields(asked)
    return instrument


def _check_fields(asked: schemas.Instrument) -> None:
    wanted = FIELDS[asked.method]
    problems = [
        FieldProblem(field=name, message=f"Leave this out; a payment by {asked.method} does not use it")
        for fields in FIELDS.values()
        for name in fields
        if name not in wanted and getattr(asked, name) is not None
    ]
    if _card_reference(asked) is not None and asked.method is not PaymentMethod.CARD:
        message = f"Leave this out; a payment by {asked.method} has no card"
        problems.append(FieldProblem(field="card_reference", message=message))
    given = [name for name in wanted if getattr(asked, name) is not None]
    if len(given) != 1 and (given or asked.method not in NEEDS_NOTHING):
        problems.append(FieldProblem(field=wanted[0], message=_one_of(wanted, asked.method, several=bool(given))))
    if problems:
        raise FieldsInvalidError(*problems)


def _one_of(wanted: tuple[str, ...], method: PaymentMethod, *, several: bool) -> str:
    if several:
        return f"Send only one of {' and '.join(wanted)}"
    return f"Send {' or '.join(wanted)}; a payment by {method} needs it"


def _card_reference(asked: schemas.Instrument) -> str | None:
    return asked.card_reference if isinstance(asked, schemas.MerchantInstrument) else None


def _card(details: CardDetails) -> Card:
    return Card(
        number=details.number.get_secret_value().replace(" ", "").replace("-", ""),
        expiry_month=details.expiry_month,
        expiry_year=details.expiry_year,
        cvv=details.cvv.get_secret_value(),
        holder_name=details.holder_name,
    )
