"""What a merchant sets: name, branding, who may frame the checkout, help texts, time zone, step-up for refunds.

The checkout reads `checkout_settings`; the API reads and changes all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from clearway.db import audit
from clearway.db import merchant_settings as rows
from clearway.db.changes import changes
from clearway.domain.actor import Actor
from clearway.domain.branding import CONTRAST_MIN, Logo, contrast, text_on
from clearway.domain.errors import ForbiddenError, UnprocessableError
from clearway.domain.merchant import Mode

DEFAULTS: Final[Mapping[str, Any]] = {
    "allowed_origins": [],
    "customer_chooses_gateway": False,
    "help_texts": {},
    "time_zone": "UTC",
    "refund_step_up": {},
}
"""Of a merchant that has set nothing."""
OF_ACCOUNT: Final = frozenset({"account_name", "totp_required"})
"""What holds for the live and the test merchant."""
OF_SECURITY: Final = frozenset({"totp_required", "refund_step_up"})


@dataclass(frozen=True, slots=True)
class CheckoutSettings:
    """What a checkout page shows of its merchant. accent, accent_text: `#rrggbb`, both or neither.

    help_texts: plain text by `HelpTopic`. allowed_origins: who may frame the page, beside the checkout itself.
    """

    name: str
    mode: Mode
    logo: Logo | None
    accent: str | None
    accent_text: str | None
    allowed_origins: tuple[str, ...]
    customer_chooses_gateway: bool
    support_email: str | None
    support_url: str | None
    terms_url: str | None
    help_texts: Mapping[str, str]
    time_zone: str


async def checkout_settings(connection: AsyncConnection, merchant_id: str) -> CheckoutSettings:
    """Return what the checkout pages of an existing merchant show."""
    found = await read(connection, merchant_id)
    taken = ("name", "accent", "accent_text", "customer_chooses_gateway", "support_email", "support_url", "terms_url")
    return CheckoutSettings(
        **{name: found[name] for name in (*taken, "help_texts", "time_zone")},
        mode=Mode(found["mode"]),
        logo=found["logo"],
        allowed_origins=tuple(found["allowed_origins"]),
    )


async def read(connection: AsyncConnection, merchant_id: str) -> dict[str, Any]:
    """Return all settings of an existing merchant by name, with defaults where nothing is set."""
    found = await rows.find(connection, merchant_id)
    assert found is not None, f"merchant {merchant_id} of the caller is gone"
    return _with_defaults(found)


async def time_zone(connection: AsyncConnection, merchant_id: str) -> str:
    """Return where the merchant's days begin."""
    return await rows.time_zone(connection, merchant_id) or DEFAULTS["time_zone"]


def check_account(mode: Mode, *, is_key: bool) -> None:
    """Refuse a test key: it must not change what holds for the live merchant too. Raises ForbiddenError."""
    if is_key and mode is Mode.TEST:
        detail = "A test key cannot change what also applies to the live merchant. Use a live key, or sign in."
        raise ForbiddenError("live_key_needed", f"{detail} Nothing was changed.")


async def change(engine: AsyncEngine, actor: Actor, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Change these settings, with an audit row of what differs, and return all of them.

    Raises UnprocessableError for colours that do not read, and for an http origin of a live merchant.
    """
    async with engine.begin() as connection:
        await rows.lock(connection, actor.merchant_id)
        before = await read(connection, actor.merchant_id)
        after = before | _completed(before, asked)
        difference = changes(_flat(before), _flat(after))
        if difference:
            columns = _flat(after)
            values = {name: columns[name] for name in difference["after"]}
            await rows.change(connection, actor.merchant_id, values, datetime.now(UTC))
            await audit.record(connection, actor, "settings.change", actor.merchant_id, difference)
        return await read(connection, actor.merchant_id)


def _completed(before: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked for, with the colour that belongs to another one."""
    values = dict(asked)
    if before["mode"] == Mode.LIVE and any(origin.startswith("http:") for origin in values.get("allowed_origins", ())):
        raise _refused("allowed_origins: a live merchant's checkout is framed by https pages only")
    if "accent" in values and "accent_text" not in values:
        values["accent_text"] = None if values["accent"] is None else text_on(values["accent"])
    accent = values.get("accent", before["accent"])
    text = values.get("accent_text", before["accent_text"])
    if accent is None and values.get("accent_text") is not None:
        raise _refused("branding.accent_text: set branding.accent too")
    if accent is not None:
        values["accent_text"] = text = text or text_on(accent)
        _check_contrast(accent, text)
    return values


def _check_contrast(accent: str, text: str) -> None:
    ratio = contrast(accent, text)
    if ratio < CONTRAST_MIN:
        raise _refused(
            f"branding: {text} on {accent} has a contrast of {ratio:.1f}; at least {CONTRAST_MIN} is needed to "
            f"read it. Use {text_on(accent)}, or leave accent_text out"
        )


def _refused(reason: str) -> UnprocessableError:
    return UnprocessableError("settings_invalid", f"Nothing was changed. {reason}.")


def _with_defaults(found: Mapping[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {name: DEFAULTS.get(name) if value is None else value for name, value in found.items()}
    logo_type = settings.pop("logo_type")
    logo: Any = settings["logo"]
    settings["logo"] = None if logo is None else Logo(logo_type, bytes(logo))
    return settings


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as columns."""
    logo = settings["logo"]
    return {**settings, "logo": logo and logo.content, "logo_type": logo and logo.media_type}
