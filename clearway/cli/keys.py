"""`clearway keys`: the API keys of merchants, as an installation's operator creates, rotates and revokes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from clearway.cli.decorators import Result, shows_result
from clearway.cli.output import plain, table
from clearway.cli.problems import CommandError
from clearway.cli.running import login, settings_in_use
from clearway.domain.actor import Actor
from clearway.domain.actor import operator as named
from clearway.domain.api_key import EVERYTHING_GRANTED, Grant
from clearway.domain.ids import api_key_prefix
from clearway.domain.merchant import Mode
from clearway.domain.permissions import Permission

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from clearway.accounts.keys import Keyring
    from clearway.domain.resources import ApiKeyWithSecret

keys: Final = typer.Typer(help="API keys of merchants: list, add, rotate, revoke.", no_args_is_help=True)

INSTALLING: Final = "Install"
ROTATION: Final = "rot"
KeyId = Annotated[str, typer.Argument(metavar="KEY", help="key_…")]
Operator = Annotated[str | None, typer.Option(help="Your name for the audit log. Default: your login name.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(keys, name="keys", rich_help_panel=INSTALLING)


@keys.command("list")
@shows_result
def list_keys(
    merchant_id: Annotated[
        str | None, typer.Argument(metavar="MERCHANT", help="mer_…. Default: all merchants.")
    ] = None,
    *,
    pepper: Annotated[str | None, typer.Option(help="Only keys whose secret is hashed with this pepper.")] = None,
) -> Result:
    """List API keys, without their secrets."""
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy

    found = in_transaction(lambda connection: _list(connection, merchant_id, pepper))
    columns = ("id", "name", "merchant_id", "permissions", "expires_at", "last_used_at", "revoked_at", "pepper_id")
    rows = table("key", "name", "merchant", "permissions", "expires", "last used", "revoked", "pepper")
    for item in found:
        shown = item | {"permissions": ", ".join(item["permissions"])}
        rows.add_row(*(plain(shown[column]) for column in columns))
    return Result(found, rows if found else "No keys.")


@keys.command("add")
@shows_result
def add_key(
    merchant_id: Annotated[str, typer.Argument(metavar="MERCHANT", help="mer_…")],
    *,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "Added by an operator",
    permission: Annotated[
        list[Permission] | None,
        typer.Option(help="A permission of the key. Repeat the option for several. Default: all."),
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(
            help="A network from which it may be used (CIDR). Repeat the option for several. Default: any address."
        ),
    ] = None,
    expires_in_days: Annotated[int | None, typer.Option(min=1, help="Days until it expires. Default: never.")] = None,
    operator: Operator = None,
) -> Result:
    """Add an API key for a merchant. Its secret is shown only now."""
    from clearway.accounts import keys as accounts  # noqa: PLC0415 - heavy
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy
    from clearway.services import Allocation  # noqa: PLC0415 - heavy

    expires_at = None if expires_in_days is None else datetime.now(UTC) + timedelta(days=expires_in_days)
    permissions = tuple(sorted(each.value for each in permission)) if permission else None
    asked = accounts.KeyRequest(name, Grant(permissions, _networks(network), expires_at))
    actor, keyring = Actor(named(operator or login()), merchant_id), keyring_in_use()

    async def create(connection: AsyncConnection) -> ApiKeyWithSecret:
        allocation = Allocation.fresh(api_key_prefix(await _mode_of(connection, merchant_id)))
        return await accounts.create(connection, keyring, actor, allocation, asked, granted=EVERYTHING_GRANTED)

    return shown_key(merchant_id, in_transaction(create))


@keys.command("rotate")
@shows_result
def rotate_key(
    key_id: KeyId,
    *,
    overlap_s: Annotated[
        int | None, typer.Option("--overlap-s", min=0, help="Seconds during which the old secret stays valid.")
    ] = None,
    operator: Operator = None,
) -> Result:
    """Create a new secret for an API key. It is shown only now. The old one stays valid until the overlap ends."""
    from clearway.accounts import keys as accounts  # noqa: PLC0415 - heavy
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy
    from clearway.services import Allocation  # noqa: PLC0415 - heavy

    who, keyring = named(operator or login()), keyring_in_use()
    overlap = settings_in_use().api_key_overlap_s if overlap_s is None else overlap_s

    async def rotate(connection: AsyncConnection) -> tuple[str, ApiKeyWithSecret]:
        actor = Actor(who, await _owner(connection, key_id))
        allocation = Allocation.fresh(ROTATION)
        rotated = await accounts.rotate(
            connection, keyring, actor, allocation, key_id, overlap_s=overlap, granted=EVERYTHING_GRANTED
        )
        return actor.merchant_id, rotated

    merchant_id, key = in_transaction(rotate)
    return shown_key(merchant_id, key)


@keys.command("revoke")
@shows_result
def revoke_key(key_id: KeyId, *, operator: Operator = None) -> Result:
    """Revoke an API key, with immediate effect."""
    from clearway.accounts import keys as accounts  # noqa: PLC0415 - heavy
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy

    who = named(operator or login())

    async def revoke(connection: AsyncConnection) -> dict[str, Any]:
        revoked = await accounts.revoke(connection, Actor(who, await _owner(connection, key_id)), key_id)
        return revoked.data()

    revoked = in_transaction(revoke)
    return Result(revoked, f"{plain(key_id)} is revoked since {plain(revoked['revoked_at'])}.")


def keyring_in_use() -> Keyring:
    """Return what hashes and seals secrets, by the settings. Raises CommandError."""
    from clearway.accounts.keys import Keyring  # noqa: PLC0415 - heavy
    from clearway.crypto.encryption import KeyConfigurationError  # noqa: PLC0415 - heavy

    try:
        return Keyring.from_settings(settings_in_use())
    except KeyConfigurationError as error:
        raise CommandError(str(error)) from None


def shown_key(merchant_id: str, key: ApiKeyWithSecret) -> Result:
    """Return what is shown of a new key: with its secret."""
    return Result(
        {"merchant_id": merchant_id, "api_key": key.id, "api_secret": key.secret, **key.data()},
        f"Merchant {plain(merchant_id)}\n  X-Api-Key:    {key.id}\n  X-Api-Secret: {key.secret}",
        "The secret is shown this once: only a hash of it is kept.",
    )


async def _list(connection: AsyncConnection, merchant_id: str | None, pepper: str | None) -> list[dict[str, Any]]:
    from clearway.db import across_merchants  # noqa: PLC0415 - heavy
    from clearway.db.api_keys import api_key_resource  # noqa: PLC0415 - heavy

    if merchant_id is not None:
        await _mode_of(connection, merchant_id)
    rows = await across_merchants.list_keys(connection, merchant_id=merchant_id, pepper_id=pepper)
    return [
        {"merchant_id": row.merchant_id, "pepper_id": row.pepper_id, **api_key_resource(row).data()} for row in rows
    ]


async def _owner(connection: AsyncConnection, key_id: str) -> str:
    from clearway.db import across_merchants  # noqa: PLC0415 - heavy

    merchant_id = await across_merchants.owner_of_key(connection, key_id)
    if merchant_id is None:
        raise CommandError(f"There is no API key {key_id!r}; `clearway keys list` shows those there are.")
    return merchant_id


async def _mode_of(connection: AsyncConnection, merchant_id: str) -> Mode:
    from clearway.db import merchants  # noqa: PLC0415 - heavy

    mode = await merchants.merchant_mode(connection, merchant_id)
    if mode is None:
        raise CommandError(f"There is no merchant {merchant_id!r}; `clearway merchants list` shows those there are.")
    return mode


def _networks(given: list[str] | None) -> tuple[str, ...]:
    try:
        return tuple(str(ip_network(network)) for network in given or ())
    except ValueError as error:
        raise typer.BadParameter(f"{error}. Write it as 203.0.113.0/24.", param_hint="--network") from None
