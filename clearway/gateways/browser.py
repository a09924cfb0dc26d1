"""What a page needs to take a payment by a gateway: its script, its publishable values, and what to ask the customer.

Each kind of gateway says so for its settings and a method. Everything here may be seen by anybody: nothing comes from
credentials.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from clearway.domain.payment import PaymentMethod


class Component(StrEnum):
    """What the page shows."""

    CARD_FIELD = "card_field"
    """The gateway's own card field, which its script makes: the card's number never reaches the shop or Clearway."""
    CARD_FORM = "card_form"
    """Fields of the page's own, for the numbers of test cards: for test merchants only."""
    INPUT = "input"
    """A field of the page's own, for what the method needs."""
    BUTTON = "button"
    """Nothing to enter: the customer goes on at the gateway's page."""


class ActionNeeded(StrEnum):
    """Whether the customer must be sent to a page after the payment is created, to `next_action.url`."""

    NEVER = "never"
    SOMETIMES = "sometimes"
    ALWAYS = "always"


@dataclasses.dataclass(frozen=True, slots=True)
class BrowserSide:
    """What a page needs for one method at one gateway.

    field: the field of `POST /payments` that takes what the component gives. value: what to send in it, where it is
    always the same. script: the gateway's script; values: what it is given. missing: settings without which the
    component cannot be shown. content_sources: what a page with a Content Security Policy must allow, by directive.
    """

    component: Component
    field: str
    value: Mapping[str, Any] | None = None
    script: str | None = None
    values: Mapping[str, str] = dataclasses.field(default_factory=dict)
    missing: tuple[str, ...] = ()
    next_action: ActionNeeded = ActionNeeded.SOMETIMES
    content_sources: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


FIELDS: Final[Mapping[PaymentMethod, str]] = {
    PaymentMethod.CARD: "token",
    PaymentMethod.UPI: "vpa",
    PaymentMethod.NETBANKING: "bank",
    PaymentMethod.WALLET: "wallet",
}
"""The field of `POST /payments` that each method needs."""


def without_script(_settings: Any, method: PaymentMethod) -> BrowserSide:
    """Return the browser side of a gateway that has no script: the page asks for what the method needs."""
    return BrowserSide(Component.INPUT, FIELDS[method])


def of_stand_in(api_base: str) -> Mapping[str, tuple[str, ...]]:
    """Return what a page must allow for a stand-in: everything is at one origin."""
    parts = urlsplit(api_base)
    origin = (f"{parts.scheme}://{parts.netloc}",)
    return {"script-src": origin, "frame-src": origin, "connect-src": origin}


def by_script(
    script: str,
    given: Mapping[str, str | None],
    next_action: ActionNeeded = ActionNeeded.SOMETIMES,
    content_sources: Mapping[str, tuple[str, ...]] | None = None,
) -> BrowserSide:
    """Return the browser side of a gateway with a card field. given: its publishable settings, by name."""
    return BrowserSide(
        Component.CARD_FIELD,
        "token",
        script=script,
        values={name: value for name, value in given.items() if value is not None},
        missing=tuple(name for name, value in given.items() if value is None),
        next_action=next_action,
        content_sources=content_sources or {},
    )
