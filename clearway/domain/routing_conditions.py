"""The conditions of routing rules: typed, one class per field, without an expression language.

The classes are the JSON form of a merchant's rules at once (`{"field": "currency", "is": "one_of", "value": ["INR"]}`).
What is not known of a payment makes a condition false, also one that excludes: a rule never acts on a guess.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from clearway.domain.field_checks import COUNTRY_FORM, currency_code, plain_text, written_time
from clearway.domain.limits import AMOUNT_MINOR_MAX, NOTES_KEY_LENGTH_MAX, NOTES_VALUE_LENGTH_MAX
from clearway.domain.payment import CaptureMethod, PaymentMethod, UpiFlow

VALUES_MAX: Final = 100
"""In the list of one condition."""
CURRENCY_FORM: Final = r"^[A-Z]{3}$"
ZONE_FORM: Final = r"^[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}$"
BIN_FORM: Final = r"^[0-9]{4,8}$"
TIME_FORM: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class CardBrand(StrEnum):
    """The network of a card."""

    VISA = "visa"
    MASTERCARD = "mastercard"
    AMEX = "amex"
    DISCOVER = "discover"
    DINERS = "diners"
    JCB = "jcb"
    UNIONPAY = "unionpay"
    RUPAY = "rupay"


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """The facts of a payment that rules can test. None: unknown. at: the moment of the choice.

    card_bin: the first digits of a card, held in memory only. customer_id and notes: the merchant's own texts.
    raw_card: a test card came as a number. token: the card token that came in its place. upi: of a UPI payment.
    """

    payment_id: str
    method: PaymentMethod
    currency: str
    amount_minor: int
    capture_method: CaptureMethod
    at: datetime
    country: str | None = None
    card_brand: str | None = None
    card_bin: str | None = field(default=None, repr=False)
    customer_id: str | None = field(default=None, repr=False)
    notes: Mapping[str, str] = field(default_factory=dict, repr=False)
    raw_card: bool = False
    token: str | None = field(default=None, repr=False)
    upi: UpiFlow | None = None

    @property
    def is_movable(self) -> bool:
        """Whether another gateway may be tried without asking the customer again: a card token belongs to one."""
        return self.method is not PaymentMethod.CARD


Test = Callable[[PaymentFacts], bool]
"""A compiled condition: rules are read once and evaluated for every payment."""


class Node(BaseModel):
    """Base of everything in a program of rules: an unknown field is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Among(StrEnum):
    """How a value is compared with a list."""

    ONE_OF = "one_of"
    NONE_OF = "none_of"


class Order(StrEnum):
    """How an amount is compared."""

    LESS_THAN = "less_than"
    AT_MOST = "at_most"
    EQUAL = "equal"
    AT_LEAST = "at_least"
    GREATER_THAN = "greater_than"


_COMPARE: Final[dict[Order, Callable[[int, int], bool]]] = {
    Order.LESS_THAN: operator.lt,
    Order.AT_MOST: operator.le,
    Order.EQUAL: operator.eq,
    Order.AT_LEAST: operator.ge,
    Order.GREATER_THAN: operator.gt,
}


def _among(read: Callable[[PaymentFacts], Any], how: Among, values: tuple[Any, ...]) -> Test:
    """Return a test of one value; what is not known is neither one of them nor none of them.

    values: a tuple, because an enum's hash is not that of its text.
    """
    if how is Among.ONE_OF:
        return lambda facts: read(facts) in values

    def none_of(facts: PaymentFacts) -> bool:
        value = read(facts)
        return value is not None and value not in values

    return none_of


def _zone(name: str) -> str:
    try:
        zone_of(name)
    except (KeyError, ValueError, OSError):
        message = "There is no such time zone. Use a name such as Asia/Kolkata, Europe/Berlin or UTC"
        raise PydanticCustomError("zone_unknown", message) from None
    return name


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """Return a time zone. Raises KeyError, ValueError or OSError for a name that is none."""
    return ZoneInfo(name)


Text = Annotated[str, StringConstraints(min_length=1, max_length=NOTES_VALUE_LENGTH_MAX), AfterValidator(plain_text)]
Currency = Annotated[str, AfterValidator(currency_code), Field(json_schema_extra={"pattern": CURRENCY_FORM})]
Country = Annotated[str, StringConstraints(pattern=COUNTRY_FORM), Field(description="ISO 3166, two capital letters.")]
Bin = Annotated[str, StringConstraints(pattern=BIN_FORM), Field(description="The first 4 to 8 digits of a card.")]
_Listed = Field(min_length=1, max_length=VALUES_MAX)


class MethodCondition(Node):
    """How the customer pays."""

    field: Literal["method"]
    is_: Annotated[Among, Field(alias="is")]
    value: Annotated[tuple[PaymentMethod, ...], _Listed]

    def test(self) -> Test:
        """Return the predicate that a payment must fulfil."""
        return _among(operator.attrgetter("method"), self.is_, self.value)


class CurrencyCondition(Node):
    """The currency of the payment."""

    field: Literal["currency"]
    is_: Annotated[Among, Field(alias="is")]
    value: Annotated[tuple[Currency, ...], _Listed]

    def test(self) -> Test:
        """Return the predicate that a payment must fulfil."""
        return _among(operator.attrgetter("currency"), self.is_, self.value)


class AmountCondition(Node):
    """The amount, in minor units of one currency: a payment in another currency does not fulfil it."""

    field: Literal["amount"]
    is_: Annotated[Order, Field(alias="is")]
    value: Annotated[int, Field(strict=True, ge=0, le=AMOUNT_MINOR_MAX)]
    currency: Currency

    def test(self) -> Test:
        """Return the predicate that a payment must fulfil."""
        currency, value, compare = self.currency, self.value, _COMPARE[self.is_]
        return lambda facts: facts.currency == currency and compare(facts.amount_minor, value)


class CaptureCondition(Node):
    """When the money is taken."""

    field: Literal["capture_method"]
    is_: Annotated[Among, Field(alias="is")]
    value: Annotated[tuple[CaptureMethod, ...], _Listed]

    def test(self) -> Test:
        """Return the predicate that a payment must fulfil."""
        return _among(operator.attrgetter("capture_method"), self.is_, self.value)


class CountryCondition(Node):
    """The country of the customer, as the payment names it."""

    field: Literal["country"]
    is_: Annotated[Among, Field(alias="is")]
    value: Annotated[tuple[Country, ...], _Listed]

    def test(self) -> Test:
        """Return the predicate that a payment must fulfil."""
        return _among(operator.attrgetter("country"), self.is_, self.value)


class BrandCondition(Node):
    """The network of the card, where it is known before the gateway is asked."""

    field: Literal["card_brand"]
    is_: Annotated[Among, Field(alias="is")]
    value: Annotated[tuple[CardBrand, ...], _Listed]

    def test(self) -> Test:
        """Return the predicate that a payment must fulfil."""
        return _among(operator.attrgetter("card_brand"), self.is_, self.value)


class BinCondition(Node):
    """The first digits of the card, where they are known."""

    field: Literal["card_bin"]
    is_: Annotated[Among, Field(alias="is")]
    value: Annotated[tuple[Bin, ...], _Listed]

    def test(self) -> Test:
        """Return the predicate that a payment must fulfil."""
        values, wanted = self.value, self.is_ is Among.ONE_OF
        return lambda facts: facts.card_bin is not None and facts.card_bin.startswith(values) is wanted


class CustomerCondition(Node):
    """The customer, by the id that the merchant gave them."""

    field: Literal["customer"]
    is_: Annotated[Among, Field(alias="is")]
    value: Annotated[tuple[Text, ...], _Listed]

    def test(self) -> Test:
        """Return the predicate that a payment must fulfil."""
        return _among(operator.attrgetter("customer_id"), self.is_, self.value)


class NoteCondition(Node):
    """One of the payment's `notes`."""

    field: Literal["note"]
    key: Annotated[str, StringConstraints(min_length=1, max_length=NOTES_KEY_LENGTH_MAX), AfterValidator(plain_text)]
    is_: Annotated[Among, Field(alias="is")]
    value: Annotated[tuple[Text, ...], _Listed]

    def test(self) -> Test:
        """Return the predicate that a payment must fulfil."""
        key = self.key
        return _among(lambda facts: facts.notes.get(key), self.is_, self.value)


class TimeCondition(Node):
    """The time of day and the day of the week, in a time zone. A window may pass midnight: it belongs to its first day.

    from and to: `HH:MM`; the window ends before `to`. Without them it is the whole day.
    """

    field: Literal["time"]
    zone: Annotated[str, AfterValidator(_zone), Field(json_schema_extra={"pattern": ZONE_FORM})] = "UTC"
    days: Annotated[tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...], Field(min_length=1)] = DAYS
    from_: Annotated[str, StringConstraints(pattern=TIME_FORM), Field(alias="from")] = "00:00"
    to: Annotated[str, StringConstraints(pattern=TIME_FORM)] | None = None

    @model_validator(mode="after")
    def _is_a_window(self) -> TimeCondition:
        if self.to == self.from_:
            raise PydanticCustomError("window_empty", "`from` and `to` are the same. Leave both out for the whole day")
        return self

    def test(self) -> Test:
        """Return the predicate that a payment must fulfil."""
        zone, days, start = zone_of(self.zone), self.days, time.fromisoformat(self.from_)
        end = time.fromisoformat(self.to) if self.to else None

        def within(facts: PaymentFacts) -> bool:
            there = facts.at.astimezone(zone)
            now, today, yesterday = there.time(), DAYS[there.weekday()], DAYS[there.weekday() - 1]
            if end is None or start < end:
                return today in days and now >= start and (end is None or now < end)
            return (today in days and now >= start) or (yesterday in days and now < end)

        return within


class MomentCondition(Node):
    """A moment from which or until which a rule holds."""

    field: Literal["moment"]
    is_: Annotated[Literal["from", "before"], Field(alias="is")]
    value: Annotated[AwareDatetime, BeforeValidator(written_time)]

    def test(self) -> Test:
        """Return the predicate that a payment must fulfil."""
        value, wanted = self.value, self.is_ == "from"
        return lambda facts: (facts.at >= value) is wanted


Condition = Annotated[
    MethodCondition
    | CurrencyCondition
    | AmountCondition
    | CaptureCondition
    | CountryCondition
    | BrandCondition
    | BinCondition
    | CustomerCondition
    | NoteCondition
    | TimeCondition
    | MomentCondition,
    Field(discriminator="field"),
]

_BRANDS: Final = (
    (CardBrand.AMEX, r"3[47]"),
    (CardBrand.DINERS, r"3(?:0[0-5]|[689])"),
    (CardBrand.JCB, r"35(?:2[89]|[3-8])"),
    (CardBrand.RUPAY, r"(?:508|60(?!11)|81|82)"),
    (CardBrand.DISCOVER, r"6(?:011|4[4-9]|5)"),
    (CardBrand.UNIONPAY, r"62"),
    (CardBrand.MASTERCARD, r"(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)"),
    (CardBrand.VISA, r"4"),
)


def brand_of(digits: str) -> CardBrand | None:
    """Return the network of a card by its first digits, as the networks publish their ranges."""
    return next((brand for brand, form in _BRANDS if re.match(form, digits)), None)
