"""`clearway merchants`, `keys` and `reencrypt`: what an installation's operator does about merchants and secrets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from clearway.cli.output import JsonFlag, out, plain, print_json, table
from clearway.cli.problems import CommandError
from clearway.cli.running import login, settings_in_use
from clearway.domain.actor import Actor
from clearway.domain.actor import operator as named

if TYPE_CHECKING:
    from clearway.accounts.keys import NewKey

merchants: Final = typer.Typer(help="Merchants: list, add.", no_args_is_help=True)
keys: Final = typer.Typer(help="API keys of merchants: list, add, revoke.", no_args_is_help=True)

INSTALLING: Final = "Install"
MerchantId = Annotated[str, typer.Argument(metavar="MERCHANT", help="mer_…")]
Operator = Annotated[str | None, typer.Option(help="Who does it, for the audit log; your login by default.")]
Result = TypeVar("Result")


def register(app: typer.Typer) -> None:
    """Add the groups and the command."""
    app.add_typer(merchants, name="merchants", rich_help_panel=INSTALLING)
    app.add_typer(keys, name="keys", rich_help_panel=INSTALLING)
    app.command(rich_help_panel=INSTALLING)(reencrypt)


@merchants.command("list")
def list_merchants(*, as_json: JsonFlag = False) -> None:
    """List the merchants of this installation."""
    from clearway.accounts import merchants as records  # noqa: PLC0415 - heavy

    found = _do(records.list_merchants)
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
    """Add an account: a live and a test merchant, each with a first API key. The secrets are shown this once."""
    from clearway.accounts import merchants as records  # noqa: PLC0415 - heavy

    if not name.strip():
        raise typer.BadParameter("A merchant needs a name.", param_hint="NAME")
    who = named(operator or login())
    made = _do(lambda connection: records.add_account(connection, settings_in_use(), name.strip(), who))
    if as_json:
        print_json(asdict(made))
        return
    out().print(f"Account {plain(made.account_id)}")
    for mode, key in (("Live", made.live), ("Test", made.test)):
        out().print(f"\n{mode}:")
        _print_key(key, as_json=False)


@keys.command("list")
def list_keys(merchant_id: MerchantId, *, as_json: JsonFlag = False) -> None:
    """List a merchant's API keys, without their secrets, which nobody has but the merchant."""
    from clearway.accounts import keys as records  # noqa: PLC0415 - heavy

    found = _do(lambda connection: records.list_keys(connection, merchant_id))
    if as_json:
        print_json(found)
        return
    rows = table("key", "created", "revoked")
    for item in found:
        rows.add_row(plain(item["id"]), plain(item["created_at"]), plain(item["revoked_at"]))
    out().print(rows if found else "No keys.")


@keys.command("add")
def add_key(merchant_id: MerchantId, *, operator: Operator = None, as_json: JsonFlag = False) -> None:
    """Add an API key beside those that are there. Its secret is shown this once."""
    from clearway.accounts import keys as records  # noqa: PLC0415 - heavy

    who = named(operator or login())
    _print_key(
        _do(lambda connection: records.add_key(connection, settings_in_use(), Actor(who, merchant_id))), as_json=as_json
    )


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="key_…")],
    *,
    operator: Operator = None,
    as_json: JsonFlag = False,
) -> None:
    """Make an API key unusable from this moment."""
    from clearway.accounts import keys as records  # noqa: PLC0415 - heavy

    who = named(operator or login())
    revoked = _do(lambda connection: records.revoke_key(connection, key_id, who))
    if as_json:
        print_json(revoked)
    else:
        out().print(f"{plain(key_id)} is revoked since {plain(revoked['revoked_at'])}.")


def reencrypt(*, operator: Operator = None, as_json: JsonFlag = False) -> None:
    """Encrypt every stored secret with the first key of SECRET_KEYS, so that older keys can be taken away."""
    from clearway.accounts import reencryption as records  # noqa: PLC0415 - heavy
    from clearway.crypto.encryption import EncryptionError  # noqa: PLC0415 - heavy

    who = named(operator or login())
    try:
        changed = _do(lambda connection: records.reencrypt(connection, settings_in_use(), Actor(who, None)))
    except EncryptionError as error:
        raise CommandError(f"{error} Nothing was changed.") from None
    if as_json:
        print_json({"reencrypted": changed})
    else:
        out().print(f"{changed} secrets were encrypted anew; all of them are under the first key of SECRET_KEYS now.")


def _do(work: Callable[[Any], Awaitable[Result]]) -> Result:
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy

    return in_transaction(work)


def _print_key(made: NewKey, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(made))
        return
    console = out()
    console.print(
        f"Merchant {plain(made.merchant_id)}\n  X-Api-Key:    {made.api_key}\n  X-Api-Secret: {made.api_secret}"
    )
    console.print("The secret is shown this once: only a hash of it is kept.")
