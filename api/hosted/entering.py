"""Reading the form of the checkout page: the instrument, or what is wrong with each field, as keys of texts.

A card number is read for test merchants only, from a browser without script; it stays in local variables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl

from clearway.checkout import choices
from clearway.checkout.options import Option
from clearway.domain.card_numbers import LENGTH_MAX, contains_card_number, passes_luhn
from clearway.domain.merchant import Mode
from clearway.domain.payment import PaymentMethod, UpiFlow
from clearway.gateways.browser import Component
from clearway.gateways.contract import Card
from clearway.payments.instruments import Instrument

FIELDS_MAX: Final = 400
VALUE_LENGTH_MAX: Final = 4_096
KEPT: Final = ("vpa", "bank", "wallet", "holder")
"""What a page that comes back with errors shows again; never a card."""
_DIGITS: Final = re.compile(rf"\d{{12,{LENGTH_MAX}}}", re.ASCII)
_VPA: Final = re.compile(r"[A-Za-z0-9._-]{2,256}@[A-Za-z][A-Za-z0-9.-]{1,63}")
_EXPIRY: Final = re.compile(r"(\d{1,2})\s*[/.-]?\s*(\d{2}|\d{4})")
_CODE: Final = re.compile(r"\d{3,4}", re.ASCII)
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,512}")


@dataclass(frozen=True)
class Entered:
    """What the form says. errors: the key of a text by field."""

    instrument: Instrument | None = None
    errors: Mapping[str, str] = field(default_factory=dict)


def fields_of(body: bytes) -> dict[str, str]:
    """Return the fields of an urlencoded form; the first of each name. What is too much is left out."""
    found: dict[str, str] = {}
    try:
        pairs = parse_qsl(body.decode(), max_num_fields=FIELDS_MAX)
    except ValueError:
        return {}
    for name, value in pairs:
        if len(value) <= VALUE_LENGTH_MAX:
            found.setdefault(name, value.replace("\0", "").strip())
    return found


def kept(fields: Mapping[str, str]) -> dict[str, str]:
    """Return what may be shown again. A card number that was put into another field is not."""
    return {
        name: value
        for name, value in fields.items()
        if name.partition(".")[0] in KEPT and not contains_card_number(value)
    }


def read(option: Option, fields: Mapping[str, str], mode: Mode, return_url: str) -> Entered:
    """Return the instrument of an option, or its errors."""
    fields = _own(option, fields)
    if option.side.component is Component.BUTTON:
        code = str((option.side.value or {}).get("code", ""))
        return Entered(Instrument(PaymentMethod.WALLET, wallet=code, return_url=return_url))
    if option.method is PaymentMethod.UPI:
        return _upi(option, fields, return_url)
    return _READERS[option.method](fields, mode, return_url)


def _own(option: Option, fields: Mapping[str, str]) -> Mapping[str, str]:
    """Return the option's own fields by their plain names, and the token, which is of the chosen option."""
    if not option.tail:
        return fields
    own = {name.removesuffix(option.tail): value for name, value in fields.items() if name.endswith(option.tail)}
    return own | {"gateway_token": fields.get("gateway_token", "")}


def _upi(option: Option, fields: Mapping[str, str], return_url: str) -> Entered:
    """Read the UPI ID, if the gateway collects by it; without one the customer pays by an intent."""
    vpa = fields.get("vpa", "") if UpiFlow.COLLECT in option.upi else ""
    if not vpa and UpiFlow.INTENT in option.upi:
        return Entered(Instrument(PaymentMethod.UPI, return_url=return_url))
    if not vpa:
        return Entered(errors={"vpa": "vpa.required"})
    if not _VPA.fullmatch(vpa) or contains_card_number(vpa):
        return Entered(errors={"vpa": "vpa.invalid"})
    return Entered(Instrument(PaymentMethod.UPI, vpa=vpa, return_url=return_url))


def _netbanking(fields: Mapping[str, str], mode: Mode, return_url: str) -> Entered:
    bank = fields.get("bank", "")
    if bank not in choices.banks(mode):
        return Entered(errors={"bank": "bank.required"})
    return Entered(Instrument(PaymentMethod.NETBANKING, bank=bank, return_url=return_url))


def _wallet(fields: Mapping[str, str], mode: Mode, return_url: str) -> Entered:
    wallet = fields.get("wallet", "")
    if wallet not in choices.wallets(mode):
        return Entered(errors={"wallet": "wallet.required"})
    return Entered(Instrument(PaymentMethod.WALLET, wallet=wallet, return_url=return_url))


def _card(fields: Mapping[str, str], mode: Mode, return_url: str) -> Entered:
    token = fields.get("gateway_token", "")
    if token:
        if not _TOKEN.fullmatch(token) or contains_card_number(token):
            return Entered(errors={"form": "card.failed"})
        return Entered(Instrument(PaymentMethod.CARD, token=token, return_url=return_url))
    if mode is not Mode.TEST:
        return Entered(errors={"form": "card.needs_script"})
    return _raw_card(fields, return_url)


def _raw_card(fields: Mapping[str, str], return_url: str) -> Entered:
    number = re.sub(r"[ -]", "", fields.get("number", ""))
    errors: dict[str, str] = {}
    if not number:
        errors["number"] = "number.required"
    elif not (_DIGITS.fullmatch(number) and passes_luhn(number)):
        errors["number"] = "number.invalid"
    expiry = _EXPIRY.fullmatch(fields.get("expiry", ""))
    month, year = (int(expiry[1]), int(expiry[2]) % 100 + 2_000) if expiry else (0, 0)
    now = datetime.now(UTC)
    if not expiry or not 1 <= month <= 12:  # noqa: PLR2004 - months
        errors["expiry"] = "expiry.required" if not fields.get("expiry") else "expiry.invalid"
    elif (year, month) < (now.year, now.month):
        errors["expiry"] = "expiry.past"
    code = fields.get("cvc", "")
    if not _CODE.fullmatch(code):
        errors["cvc"] = "cvc.invalid" if code else "cvc.required"
    if errors:
        return Entered(errors=errors)
    card = Card(number, month, year, code, fields.get("holder") or None)
    return Entered(Instrument(PaymentMethod.CARD, card=card, return_url=return_url))


_READERS: Final[Mapping[PaymentMethod, Callable[[Mapping[str, str], Mode, str], Entered]]] = {
    PaymentMethod.CARD: _card,
    PaymentMethod.NETBANKING: _netbanking,
    PaymentMethod.WALLET: _wallet,
}
