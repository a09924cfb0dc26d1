"""Commands for an installation: migrate and seed its database, make its secrets."""

from __future__ import annotations

import base64
import secrets as random_source
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from clearway.cli.decorators import Result, shows_result
from clearway.cli.output import JsonFlag, print_json
from clearway.cli.problems import FAILED

KEY_BYTES: Final = 32
INSTALLING = "Install"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (migrate, seed, secrets):
        app.command(rich_help_panel=INSTALLING)(command)


@shows_result
def migrate(
    *, check: Annotated[bool, typer.Option("--check", help="Only check whether the schema is the newest.")] = False
) -> Result:
    """Migrate the database to the newest schema. Running it again, or twice at once, is safe."""
    from clearway.cli import schema  # noqa: PLC0415 - heavy

    before = schema.revisions()
    if not check:
        schema.upgrade()
    after = before if check else schema.revisions()
    found = {"before": before.current, "current": after.current, "head": after.head, "newest": after.newest}
    if not after.newest:
        old = f"The schema is {after.current or 'empty'}, the newest is {after.head}: run `clearway migrate`."
        return Result(found, old, error=typer.Exit(FAILED))
    what = "is the newest already" if before.newest else f"was brought from {before.current or 'nothing'}"
    return Result(found, f"The schema {what}: {after.head}.")


@shows_result
def seed(
    *,
    receiver_url: Annotated[str | None, typer.Option(help="Where the test merchant's webhooks go.")] = None,
    receiver_secret: Annotated[str | None, typer.Option(help="The secret (whsec_…) that signs them.")] = None,
) -> Result:
    """Add the test merchant with its published credentials. Refused in production."""
    from clearway.cli import schema  # noqa: PLC0415 - heavy

    if (receiver_url is None) != (receiver_secret is None):
        raise typer.BadParameter("--receiver-url and --receiver-secret go together.")
    merchant = schema.seed(receiver_url, receiver_secret)
    return Result(merchant, "The test merchant {merchant_id}: {api_key} / {api_secret}".format(**merchant))


def secrets(*, as_json: JsonFlag = False) -> None:
    """Print fresh secrets for an installation, as lines of a `.env` file. Nothing is stored."""
    lines = {
        "SECRET_KEYS": f"{_key_id()}:{base64.b64encode(random_source.token_bytes(KEY_BYTES)).decode()}",
        "API_KEY_PEPPERS": f"{_key_id()}:{random_source.token_urlsafe(KEY_BYTES)}",
        "SIMULATOR_WEBHOOK_SECRET": "whsec_" + base64.b64encode(random_source.token_bytes(KEY_BYTES)).decode(),
    }
    if as_json:
        print_json(lines)
    else:
        typer.echo("\n".join(f"{name}={value}" for name, value in lines.items()))


def _key_id() -> str:
    """Name the key by its day and some random characters, so that no two keys share a name."""
    return f"k{datetime.now(UTC):%Y%m%d}-{random_source.token_hex(2)}"
