"""Raw test cards, exchanged for tokens: for test merchants only, and only where a gateway offers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from clearway.domain.limits import GATEWAY_IDENTIFIER_LENGTH_MAX, GATEWAY_MESSAGE_LENGTH_MAX
from clearway.domain.text import is_storable, storable
from clearway.gateways.contract.outcomes import AnswerUnreadableError

EXPIRY_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Card:
    """A raw test card, held in memory only while it is exchanged for a token. Never logged: repr hides it."""

    number: str
    expiry_month: int
    expiry_year: int
    cvv: str
    holder_name: str | None = None

    def __repr__(self) -> str:
        return "Card(****)"


@dataclass(frozen=True, slots=True)
class CardToken:
    """The storable parts of a card: the gateway's token and the parts that are printed on receipts."""

    token: str
    brand: str
    last4: str
    expiry_month: int
    expiry_year: int

    def __post_init__(self) -> None:
        texts = (self.token, self.brand, self.last4)
        if not all(is_storable(text, GATEWAY_IDENTIFIER_LENGTH_MAX) for text in texts):
            raise AnswerUnreadableError("the token or the card's summary is not a usable text")
        if not all(type(number) is int and 0 < number < EXPIRY_MAX for number in (self.expiry_month, self.expiry_year)):
            raise AnswerUnreadableError("the card's expiry is not a month and a year")


class CardRefusedError(Exception):
    """The gateway would not tokenise the card; `code` is a unified decline code, str(error) is for the merchant."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(storable(message, GATEWAY_MESSAGE_LENGTH_MAX))
        self.code = code


@runtime_checkable
class CardTokeniser(Protocol):
    """A gateway that exchanges raw test cards for tokens: for test merchants only."""

    async def tokenise(self, card: Card) -> CardToken:
        """Exchange a card. Raises CardRefusedError or GatewayUnavailableError."""


@runtime_checkable
class CardDescriber(Protocol):
    """A gateway that says which card a token stands for, without using the token up."""

    async def describe(self, token: str) -> CardToken | None:
        """Return what may be shown of the card; None: the gateway does not say. Raises GatewayUnavailableError."""
