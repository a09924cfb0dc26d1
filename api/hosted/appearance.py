"""How a merchant's checkout looks and whom it may be framed by: the merchant's settings, for templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from clearway.accounts.merchant_settings import checkout_settings
from clearway.checkout.opening import OpenOrder
from clearway.services import Services


@dataclass(frozen=True)
class Appearance:
    """What the settings say. logo: a `data:` URL, so that no browser sends a request elsewhere."""

    name: str
    accent: str
    on_accent: str
    logo: str | None = None
    allowed_origins: tuple[str, ...] = ()
    choose_gateway: bool = False
    support_email: str | None = None
    support_url: str | None = None
    terms_url: str | None = None
    help_texts: Mapping[str, str] = field(default_factory=dict)


NONE: Final = Appearance("", "#1f5fd0", "#ffffff")
"""Of a page without a merchant."""


async def appearance_of(services: Services, opened: OpenOrder) -> Appearance:
    """Return the appearance of the order's merchant."""
    async with services.reader.connect() as connection:
        found = await checkout_settings(connection, opened.payable.merchant_id)
    return Appearance(
        found.name,
        found.accent or NONE.accent,
        found.accent_text or NONE.on_accent,
        None if found.logo is None else found.logo.url,
        tuple(found.allowed_origins),
        found.customer_chooses_gateway,
        found.support_email,
        found.support_url,
        found.terms_url,
        found.help_texts,
    )
