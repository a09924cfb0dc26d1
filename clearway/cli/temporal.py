"""`clearway temporal …`: the Temporal CLI, with the address, namespace and credentials of this installation set.

It owns no command of its own: everything after `temporal` goes to Temporal's CLI as it was typed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import typer

from clearway.cli.problems import CommandError
from clearway.cli.running import settings_in_use
from clearway.settings import Settings

PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Look and act", context_settings=PASS_THROUGH)(temporal)


def temporal(context: typer.Context) -> None:
    """Run Temporal's own CLI against this installation, such as `clearway temporal workflow list`."""
    program = _program()
    environment = {**os.environ, **connection(settings_in_use())}
    sys.stdout.flush()
    done = subprocess.run([program, *context.args], env=environment, check=False)  # noqa: S603 - what the user typed
    raise typer.Exit(done.returncode)


def connection(settings: Settings) -> Mapping[str, str]:
    """Return the variables by which Temporal's CLI finds its server; `temporal env` and options still win."""
    found = {"TEMPORAL_ADDRESS": settings.temporal_address, "TEMPORAL_NAMESPACE": settings.temporal_namespace}
    if settings.temporal_tls:
        found["TEMPORAL_TLS"] = "true"
    named = {
        "TEMPORAL_TLS_SERVER_CA_CERT_PATH": settings.temporal_tls_ca,
        "TEMPORAL_TLS_CLIENT_CERT_PATH": settings.temporal_tls_cert,
        "TEMPORAL_TLS_CLIENT_KEY_PATH": settings.temporal_tls_key,
        "TEMPORAL_TLS_SERVER_NAME": settings.temporal_tls_server_name,
    }
    found |= {name: str(value) for name, value in named.items() if value}
    if settings.temporal_api_key:
        found["TEMPORAL_API_KEY"] = settings.temporal_api_key.get_secret_value()
    return found


def _program() -> Path:
    """Return Temporal's CLI: the one on PATH, else the one that `make dev` uses. Raises CommandError."""
    found = shutil.which("temporal")
    if found is not None:
        return Path(found)
    try:
        from clearway.dev.toolchain import present_cli  # noqa: PLC0415 - heavy, and not in every installation
    except ModuleNotFoundError:
        kept = None
    else:
        kept = present_cli()
    if kept is None:
        raise CommandError("Temporal's CLI is not on this machine. Install it, or run `make servers` in a checkout.")
    return kept
