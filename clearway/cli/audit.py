"""`clearway audit`: who did what to a payment, refund, key or webhook endpoint."""

from __future__ import annotations

from typing import Annotated

import orjson
import typer

from clearway.cli.decorators import Result, shows_result
from clearway.cli.output import clock, plain, table
from clearway.cli.running import settings_in_use


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("audit", rich_help_panel="Operate")(show_audit_log)


@shows_result
def show_audit_log(
    subject_id: Annotated[str, typer.Argument(metavar="ID", help="pay_…, rfnd_…, key_…, whe_… or another id")],
) -> Result:
    """Show the audit log of one resource, oldest first, with the client's network address."""
    from clearway.accounts.audit_log import lines_about  # noqa: PLC0415 - heavy
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415
    from clearway.crypto.encryption import Cipher  # noqa: PLC0415

    cipher = Cipher.from_settings(settings_in_use().secret_keys.get_secret_value())
    found = in_transaction(lambda connection: lines_about(connection, cipher, subject_id))
    rows = table("at (UTC)", "who", "what", "detail", "from", "request")
    for line in found:
        detail = orjson.dumps(line["detail"]).decode() if line["detail"] else None
        shown = (line["actor"], line["action"], detail, line["address"], line["request_id"])
        rows.add_row(clock(line["created_at"].isoformat()), *(plain(value) for value in shown))
    return Result(found, rows if found else f"Nothing about {plain(subject_id)} is in the audit log.")
