"""`clearway merchants` and `reencrypt`: what an installation's operator does about merchants and secrets."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from clearway.cli.keys import INSTALLING, Operator, key_as_json, keyring_in_use, print_key
from clearway.cli.output import JsonFlag, out, plain, print_json, table
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
def list_merchants(*, as_json: JsonFlag = False) -> None:
    """List the merchants of this installation."""
    from clearway.accounts import merchants as records  # noqa: PLC0415 - heavy
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy

    found = in_transaction(records.list_merchants)
    if as_json:
        print_json(found)
        return
    rows = table("account", "merchant", "mode", "name", "active", "usable keys")
    for item in found:
        shown = (item["account_id"], item["id"], item["mode"], item["name"], "yes" if item["active"] else "no")
        rows.add_row(*map(plain, shown), plain(item["keys"]))
    out().print(rows if found else "No merchants.")


@merchants.command("add")
def add_merchant(
    name: Annotated[str, typer.Argument(help="The name customers see.")],
    *,
    operator: Operator = None,
    as_json: JsonFlag = False,
) -> None:
    """Add an account: a live and a test merchant, each with an API key. The secrets are shown only now."""
    from clearway.accounts import merchants as records  # noqa: PLC0415 - heavy
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy

    if not name.strip():
        raise typer.BadParameter("A merchant needs a name.", param_hint="NAME")
    who = named(operator or login())
    keyring = keyring_in_use()
    made = in_transaction(lambda connection: records.add_account(connection, keyring, name.strip(), who))
    if as_json:
        sides = {"live": made.live, "test": made.test}
        shown = {mode: key_as_json(side.merchant_id, side.key) for mode, side in sides.items()}
        print_json({"account_id": made.account_id, **shown})
        return
    out().print(f"Account {plain(made.account_id)}")
    for mode, side in (("Live", made.live), ("Test", made.test)):
        out().print(f"\n{mode}:")
        print_key(side.merchant_id, side.key, as_json=False)


def reencrypt(*, operator: Operator = None, as_json: JsonFlag = False) -> None:
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
    if as_json:
        print_json({"reencrypted": counts})
        return
    rows = table("kind", "rewritten")
    for kind, count in counts.items():
        rows.add_row(kind, str(count))
    out().print(rows)
    out().print("Everything that is sealed is under the first key of SECRET_KEYS now.")
