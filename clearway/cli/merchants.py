"""`clearway merchants` and `reencrypt`: what an installation's operator does about merchants and secrets."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from clearway.cli.decorators import Result, shows_result
from clearway.cli.keys import INSTALLING, Operator, keyring_in_use, shown_key
from clearway.cli.output import plain, table
from clearway.cli.problems import CommandError
from clearway.cli.running import login, settings_in_use
from clearway.domain.actor import Actor
from clearway.domain.actor import operator as named

merchants: Final = typer.Typer(help="Merchants: list, add.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group and the command."""
    app.add_typer(merchants, name="merchants", rich_help_panel=INSTALLING)
    app.command(rich_help_panel=INSTALLING)(reencrypt)


@merchants.command("list")
@shows_result
def list_merchants() -> Result:
    """List the merchants of this installation."""
    from clearway.accounts import merchants as records  # noqa: PLC0415 - heavy
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy

    found = in_transaction(records.list_merchants)
    rows = table("account", "merchant", "mode", "name", "active", "usable keys")
    for item in found:
        shown = (item["account_id"], item["id"], item["mode"], item["name"], "yes" if item["active"] else "no")
        rows.add_row(*map(plain, shown), plain(item["keys"]))
    return Result(found, rows if found else "No merchants.")


@merchants.command("add")
@shows_result
def add_merchant(
    name: Annotated[str, typer.Argument(help="The name customers see.")], *, operator: Operator = None
) -> Result:
    """Add an account: a live and a test merchant, each with an API key. The secrets are shown only now."""
    from clearway.accounts import merchants as records  # noqa: PLC0415 - heavy
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy

    if not name.strip():
        raise typer.BadParameter("A merchant needs a name.", param_hint="NAME")
    who = named(operator or login())
    keyring = keyring_in_use()
    made = in_transaction(lambda connection: records.add_account(connection, keyring, name.strip(), who))
    live, test = (shown_key(side.merchant_id, side.key) for side in (made.live, made.test))
    return Result(
        {"account_id": made.account_id, "live": live.data, "test": test.data},
        f"Account {plain(made.account_id)}",
        *("\nLive:", *live.shown),
        *("\nTest:", *test.shown),
    )


@shows_result
def reencrypt(*, operator: Operator = None) -> Result:
    """Encrypt all stored secrets again, with the first key of SECRET_KEYS, so that older keys can be removed.

    It works in batches while other programs run. If it is interrupted, run it again: it continues where it stopped.
    """
    from clearway.accounts import reencryption as records  # noqa: PLC0415 - heavy
    from clearway.cli.transaction import with_engine  # noqa: PLC0415 - heavy
    from clearway.crypto.encryption import EncryptionError  # noqa: PLC0415 - heavy

    who = named(operator or login())
    try:
        counts = with_engine(lambda engine: records.reencrypt(engine, settings_in_use(), Actor(who, None)))
    except EncryptionError as error:
        message = f"{error} Values rewritten before this one stay rewritten. Run `clearway reencrypt` again afterwards."
        raise CommandError(message) from None
    rows = table("kind", "rewritten")
    for kind, count in counts.items():
        rows.add_row(kind, str(count))
    return Result({"reencrypted": counts}, rows, "Everything that is sealed is under the first key of SECRET_KEYS now.")
