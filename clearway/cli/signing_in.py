"""`clearway login`, `logout`, `whoami` and `switch`: a person's login at an API, for all commands that call it.

The password goes to the API once and is kept nowhere. What is kept is in `clearway.cli.logins`.
"""

from __future__ import annotations

import socket
import sys
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from clearway.cli import logins
from clearway.cli.api_problems import ApiRefusedError
from clearway.cli.logins import Login
from clearway.cli.merchant_api import CODE_LENGTH, CONNECTION, MERCHANT_VARIABLE, ApiUrl, MerchantApi, api_url
from clearway.cli.output import JsonFlag, clock, out, plain, print_json, remarks, table
from clearway.cli.problems import CommandError
from clearway.setting_values import LOOPBACK

DEVICE_LENGTH_MAX: Final = 100
MerchantId = Annotated[
    str | None,
    typer.Argument(
        metavar="[MERCHANT]", help="mer_…: the merchant to act for. Default: list yours.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (login, logout, whoami, switch):
        app.command(rich_help_panel=CONNECTION)(command)


def login(
    email: Annotated[str | None, typer.Argument(help="Your e-mail address.", show_default=False)] = None,
    *,
    merchant: Annotated[
        str | None,
        typer.Option(metavar="MERCHANT", help="mer_…: the merchant to act for. Default: your test merchant."),
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    code: Annotated[str | None, typer.Option(help="A code of your authenticator app, or a recovery code.")] = None,
    url: ApiUrl = None,
    as_json: JsonFlag = False,
) -> None:
    """Sign in at an API. Commands then act as you, unless they are given an API key."""
    at = api_url(url)
    _refuse_clear_text(at)
    email = email or typer.prompt("E-mail address", err=True)
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _prompt("Password")
    tokens = _sign_in(at, {"email": email, "password": password, "device": _device()}, code)
    begun = Login(email, None, **logins.token_fields(tokens))
    replaced = logins.find(at)
    if replaced is not None:
        _end(at, replaced)
    logins.keep(at, begun)
    me = _me(at, begun)
    begun = _choose(at, me, merchant)
    _show(at, begun, me, as_json=as_json)


def logout(*, url: ApiUrl = None, as_json: JsonFlag = False) -> None:
    """Sign out at an API: the session ends, and its tokens are removed from this machine."""
    at = api_url(url)
    kept = _kept(at)
    is_ended = _end(at, kept)
    logins.forget(at)
    if as_json:
        print_json({"api_url": at, "email": kept.email, "session_id": kept.session_id, "ended": is_ended})
        return
    out().print(f"{plain(kept.email)} is signed out at {plain(at)}.")


def whoami(*, url: ApiUrl = None, as_json: JsonFlag = False) -> None:
    """Show the user and merchant that commands act for at an API, and your other merchants."""
    at = api_url(url)
    kept = _kept(at)
    me = _me(at, kept)
    _show(at, kept, me, as_json=as_json)


def switch(merchant: MerchantId = None, *, url: ApiUrl = None, as_json: JsonFlag = False) -> None:
    """Switch to another of your merchants, or list them. CLEARWAY_MERCHANT switches for one command."""
    at = api_url(url)
    kept = _kept(at)
    me = _me(at, kept)
    _show(at, kept if merchant is None else _choose(at, me, merchant), me, as_json=as_json)


def _kept(url: str) -> Login:
    kept = logins.find(url)
    if kept is None:
        raise CommandError(
            f"You are not signed in at {url}, so commands use an API key. `clearway login` signs you in."
        )
    return kept


def _refuse_clear_text(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise CommandError(f"{url} is not https: your password would cross the network in clear. Nothing was sent.")


def _sign_in(url: str, body: dict[str, Any], code: str | None) -> dict[str, Any]:
    with MerchantApi(url) as api:
        try:
            tokens: dict[str, Any] = api.post("/auth/token", body | _second_factor(code))
        except ApiRefusedError as error:
            if error.code != "totp_needed" or not sys.stdin.isatty():
                raise
            asked = _prompt("Code of your authenticator app, or a recovery code")
            tokens = api.post("/auth/token", body | _second_factor(asked))
    return tokens


def _second_factor(given: str | None) -> dict[str, str]:
    if given is None:
        return {}
    is_code = len(given) == CODE_LENGTH and given.isdecimal()
    return {"code" if is_code else "recovery_code": given}


def _me(url: str, kept: Login) -> dict[str, Any]:
    with MerchantApi(url, login=kept) as api:
        me: dict[str, Any] = api.get("/users/me")
    return me


def _end(url: str, kept: Login) -> bool:
    """End the session of a login. Return whether it was open; a session that is over needs no end."""
    try:
        with MerchantApi(url, login=kept) as api:
            api.post("/auth/logout")
    except CommandError as error:
        remarks().print(f"The session {plain(kept.session_id)} was not ended: {plain(error)}")
        return False
    return True


def _choose(url: str, me: dict[str, Any], wanted: str | None) -> Login:
    """Keep for which merchant the person acts, by default the test merchant of their first account."""
    merchants = [merchant for membership in me["memberships"] for merchant in membership["merchants"]]
    if wanted is not None and wanted not in {each["id"] for each in merchants} and not me["is_operator"]:
        raise CommandError(f"You have no merchant {wanted!r}; `clearway whoami` lists yours.")
    first = next((each["id"] for each in merchants if each["mode"] == "test"), None)
    return logins.keep_merchant(url, wanted or first)


def _show(url: str, kept: Login, me: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json({"api_url": url, "merchant_id": kept.merchant_id, "session_ends_at": kept.refresh_expires_at, **me})
        return
    console = out()
    console.print(f"{plain(me['name'])} <{plain(me['email'])}>, {plain(me['id'])}, at {plain(url)}")
    if me["is_operator"]:
        console.print("An operator of the installation.")
    rows = table("", "merchant", "mode", "name", "account", "role")
    for membership in me["memberships"]:
        for merchant in membership["merchants"]:
            mark = "→" if merchant["id"] == kept.merchant_id else ""
            shown = (merchant["id"], merchant["mode"], merchant["name"], membership["account_name"], membership["role"])
            rows.add_row(mark, *map(plain, shown))
    console.print(rows if me["memberships"] else "You belong to no account.")
    console.print(
        f"Commands act for the merchant with the arrow; `clearway switch mer_…` or {MERCHANT_VARIABLE} chooses "
        "another.\n"
        f"The login ends at {clock(kept.refresh_expires_at)} UTC, or with `clearway logout`."
    )


def _prompt(what: str) -> str:
    text: str = typer.prompt(what, hide_input=True, err=True)
    return text


def _device() -> str:
    return f"clearway on {socket.gethostname()}"[:DEVICE_LENGTH_MAX]
