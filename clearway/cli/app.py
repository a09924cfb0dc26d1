"""The table of contents of the command line: which command is where. Nothing happens here.

Modules of commands import what is heavy (Temporal's client, SQLAlchemy, servers) inside the commands that need it,
because every call and every completion of a word in the shell imports them all.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from clearway.cli import (
    audit,
    database,
    demo,
    endpoints,
    faults,
    fx,
    gateway_monitoring,
    gateways,
    keys,
    listen,
    mail,
    merchants,
    payments,
    reconciling,
    recover,
    refunds,
    reviews,
    routing,
    servers,
    signing_in,
    temporal,
    trigger,
    users,
    webhooks,
)

app = typer.Typer(
    name="clearway",
    help="Clearway, the self-hosted payment orchestrator on Temporal.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        typer.echo(f"clearway {version('clearway')}")
        raise typer.Exit


@app.callback()
def about(
    *,
    version_asked: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Clearway, the self-hosted payment orchestrator on Temporal."""


for part in (
    servers,
    demo,
    trigger,
    listen,
    faults,
    payments,
    refunds,
    reviews,
    audit,
    webhooks,
    endpoints,
    gateways,
    gateway_monitoring,
    routing,
    reconciling,
    fx,
    mail,
    temporal,
    recover,
    database,
    merchants,
    users,
    keys,
    signing_in,
):
    part.register(app)
