"""`clearway users list | show | disable | enable | operator | reset-totp | sessions`: in the database, and audited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from clearway.cli.decorators import Result, shows_result
from clearway.cli.keys import Operator
from clearway.cli.output import clock, plain, table
from clearway.cli.running import login, settings_in_use
from clearway.domain.actor import Actor
from clearway.domain.actor import operator as named

if TYPE_CHECKING:
    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from clearway.crypto.encryption import Cipher

Found = TypeVar("Found")
User = Annotated[str, typer.Argument(metavar="USER", help="usr_…, or the e-mail address.")]
Limit = Annotated[int, typer.Option(help="How many to show.", min=1, max=10_000)]


def register(users: typer.Typer) -> None:
    """Add the commands to the group."""
    users.command("list")(list_users)
    users.command("show")(show)
    users.command("disable")(disable)
    users.command("enable")(enable)
    users.command("operator")(change_operator)
    users.command("reset-totp")(reset_totp)
    users.command("sessions")(show_sessions)


@shows_result
def list_users(
    *,
    search: Annotated[str | None, typer.Option(help="Only those whose address or name has this text.")] = None,
    limit: Limit = 100,
) -> Result:
    """List people who sign in, newest first."""
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy
    from clearway.users import administering  # noqa: PLC0415 - heavy

    found = [_shown(row) for row in in_transaction(lambda open_: administering.list_users(open_, limit, search))]
    rows = table("user", "address", "name", "operator", "TOTP", "status", "since")
    for user in found:
        marks = ("yes" if user["is_operator"] else "no", "on" if user["totp_enabled"] else "off", user["status"])
        rows.add_row(*map(plain, (user["id"], user["email"], user["name"], *marks)), clock(user["created_at"]))
    return Result(found, rows if found else "No users.")


@shows_result
def show(user: User) -> Result:
    """Show a person and the accounts to which they belong."""
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy
    from clearway.db.users import codes, users  # noqa: PLC0415 - heavy
    from clearway.users import administering  # noqa: PLC0415 - heavy

    async def read(connection: AsyncConnection) -> dict[str, Any]:
        row = await administering.find(connection, user)
        accounts = {
            each.account_id: {"account_id": each.account_id, "name": each.account_name, "role": each.role}
            for each in await users.memberships_of(connection, row.id)
        }
        left = await codes.recovery_codes_left(connection, row.id)
        return _shown(row) | {"recovery_codes_left": left, "memberships": list(accounts.values())}

    found = in_transaction(read)
    facts = (f"{name}: {plain(value)}" for name, value in found.items() if name != "memberships")
    roles = (
        f"{plain(each['role'])} of {plain(each['name'])} ({plain(each['account_id'])})" for each in found["memberships"]
    )
    return Result(found, *facts, *roles)


@shows_result
def disable(user: User, *, operator: Operator = None) -> Result:
    """Disable a user: no more sign-in, and sessions and tokens end at once. Memberships and invitations stay."""
    from clearway.users import administering  # noqa: PLC0415 - heavy

    changed = _act(user, operator, lambda open_, actor, row, _: administering.disable(open_, actor, row))
    return _report(user, "disabled; the sessions have ended", "disabled already", changed=changed)


@shows_result
def enable(user: User, *, operator: Operator = None) -> Result:
    """Let a disabled person sign in again."""
    from clearway.users import administering  # noqa: PLC0415 - heavy

    changed = _act(user, operator, lambda open_, actor, row, _: administering.enable(open_, actor, row))
    return _report(user, "enabled", "not disabled", changed=changed)


@shows_result
def change_operator(
    user: User,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="They are no longer an operator.")] = False,
    operator: Operator = None,
) -> Result:
    """Make a user an operator of the installation, who can read every merchant. Operators need TOTP."""
    from clearway.users import administering  # noqa: PLC0415 - heavy

    changed = _act(
        user,
        operator,
        lambda open_, actor, row, _: administering.set_operator(open_, actor, row, is_operator=not remove),
    )
    done = "no longer an operator" if remove else "an operator of the installation"
    return _report(user, done, f"{done} already", changed=changed)


@shows_result
def reset_totp(user: User, *, operator: Operator = None) -> Result:
    """Turn TOTP off for a person who lost their device and recovery codes. Make sure first that it is them."""
    from clearway.users import administering  # noqa: PLC0415 - heavy

    changed = _act(
        user, operator, lambda open_, actor, row, cipher: administering.reset_totp(open_, cipher, actor, row)
    )
    return _report(user, "without TOTP now; the sessions have ended", "without TOTP already", changed=changed)


@shows_result
def show_sessions(
    user: User,
    *,
    end: Annotated[bool, typer.Option("--end", help="End them all, of browsers and programs.")] = False,
    operator: Operator = None,
) -> Result:
    """List the open sessions of a person, with device and network address; or end them."""
    from clearway.users import administering, sessions  # noqa: PLC0415 - heavy

    settings = settings_in_use()

    async def read(connection: AsyncConnection, actor: Actor, row: Row[Any], cipher: Cipher) -> list[dict[str, Any]]:
        found = await sessions.list_open(connection, cipher, settings, row.id)
        if end:
            await administering.end_sessions(connection, actor, row)
        names = ("id", "kind", "device", "created_at", "last_used_at", "expires_at")
        return [{name: getattr(each, name) for name in names} | {"address": address} for each, address in found]

    found = _act(user, operator, read)
    rows = table("session", "kind", "device", "from", "last used (UTC)", "ends (UTC)")
    for each in found:
        moments = (clock(each[name].isoformat()) for name in ("last_used_at", "expires_at"))
        rows.add_row(*(plain(each[name]) for name in ("id", "kind", "device", "address")), *moments)
    if not found:
        return Result(found, "No open sessions.")
    return Result(found, rows, *(["They have ended."] if end else []))


def _act(
    user: str,
    operator: str | None,
    work: Callable[[AsyncConnection, Actor, Row[Any], Cipher], Awaitable[Found]],
) -> Found:
    """Do something about a user in one transaction."""
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy
    from clearway.crypto.encryption import Cipher  # noqa: PLC0415 - heavy
    from clearway.users import administering  # noqa: PLC0415 - heavy

    actor = Actor(named(operator or login()), None)
    cipher = Cipher.from_settings(settings_in_use().secret_keys.get_secret_value())

    async def act(connection: AsyncConnection) -> Found:
        return await work(connection, actor, await administering.find(connection, user), cipher)

    return in_transaction(act)


def _report(user: str, done: str, was_so: str, *, changed: bool) -> Result:
    return Result({"user": user, "changed": changed}, f"{plain(user)} is {done if changed else was_so}.")


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "email": row.email,
        "name": row.name,
        "is_operator": row.is_operator,
        "totp_enabled": row.totp_enabled_at is not None,
        "status": "enabled" if row.disabled_at is None else "disabled",
        "disabled_at": row.disabled_at and row.disabled_at.isoformat(),
        "created_at": row.created_at.isoformat(),
    }
