"""`clearway users create`: a person who can sign in at once. `clearway.cli.user_acts` has what is done about people."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated, Final

import typer

from clearway.cli import user_acts
from clearway.cli.decorators import Result, shows_result
from clearway.cli.keys import INSTALLING, Operator
from clearway.cli.output import plain
from clearway.cli.problems import CommandError
from clearway.cli.running import login
from clearway.domain.actor import Actor
from clearway.domain.actor import operator as named
from clearway.domain.roles import Role

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from clearway.users.creation import NewPerson

users: Final = typer.Typer(help="People who sign in: create, list, show, disable, enable, …", no_args_is_help=True)
GENERATED_BYTES: Final = 18


def register(app: typer.Typer) -> None:
    """Add the group."""
    user_acts.register(users)
    app.add_typer(users, name="users", rich_help_panel=INSTALLING)


@users.command("create")
@shows_result
def create(
    email: Annotated[str, typer.Argument(help="The e-mail address by which they sign in.")],
    *,
    name: Annotated[str | None, typer.Option(help="Their name. Default: the address.")] = None,
    account: Annotated[str | None, typer.Option(metavar="ACCOUNT", help="acc_…: the account that they join.")] = None,
    role: Annotated[Role, typer.Option(help="Their role in the account.")] = Role.OWNER,
    installation: Annotated[
        bool, typer.Option("--installation", help="Make them an operator of the installation.")
    ] = False,
    prompt: Annotated[
        bool, typer.Option("--prompt", help="Ask for the password. Default: make one, and show it.")
    ] = False,
    operator: Operator = None,
) -> Result:
    """Create a person who can sign in at once, such as the first one of an installation."""
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy
    from clearway.domain.errors import ClearwayError  # noqa: PLC0415 - heavy
    from clearway.users import password_rules  # noqa: PLC0415 - heavy
    from clearway.users.creation import NewPerson  # noqa: PLC0415 - heavy

    email, actor = _address(email), Actor(named(operator or login()), None)
    generated = None if prompt else secrets.token_urlsafe(GENERATED_BYTES)
    password = generated or typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        password_rules.check(password, (email, name or ""), has_totp=False)
        new = NewPerson(email, name or email, is_operator=installation)
        user_id = in_transaction(
            lambda connection: _record(connection, actor, new, password=password, account=account, role=role)
        )
    except ClearwayError as error:
        raise CommandError(error.detail) from None
    shown = [f"User {plain(user_id)}, {plain(email)}"]
    if generated:
        shown.append(f"Password (shown only now; change it after signing in): {plain(generated)}")
    return Result({"user_id": user_id, "email": email, "password": generated}, *shown)


def _address(email: str) -> str:
    text = email.strip()
    if text.count("@") != 1 or " " in text or text.startswith("@") or text.endswith("@"):
        raise typer.BadParameter("This is not an e-mail address.", param_hint="EMAIL")
    return text


async def _record(
    connection: AsyncConnection, actor: Actor, new: NewPerson, *, password: str, account: str | None, role: Role
) -> str:
    """Record the person and the membership in one transaction. Return the person's id."""
    from clearway.crypto.passwords import Passwords  # noqa: PLC0415 - heavy
    from clearway.users import creation  # noqa: PLC0415 - heavy

    user_id = await creation.add(connection, actor, new, await Passwords().hash(password))
    if account is not None:
        await creation.join(connection, actor, account, user_id, role)
    return user_id
