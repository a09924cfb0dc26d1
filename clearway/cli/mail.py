"""`clearway mail`: whether mail works, the status of each mail, and sending failed ones again."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from clearway.cli.decorators import Result, shows_result
from clearway.cli.output import coloured, plain, table
from clearway.cli.problems import CommandError
from clearway.cli.running import login, settings_in_use
from clearway.domain.mail import MailStatus, is_address

mail: Final = typer.Typer(help="E-mail: check, test, list, show, resend.", no_args_is_help=True)
NO_SERVER: Final = (
    "No mail server is set, so mails end as failed: nobody gets invitations, log-in notices or password links. "
    "Set SMTP_HOST and MAIL_FROM, then run `clearway mail resend`."
)


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(mail, name="mail", rich_help_panel="Operate")


@mail.command("check")
@shows_result
def check_server() -> Result:
    """Connect to the mail server and log in, without sending a mail. Fails when that does not work."""
    import asyncio  # noqa: PLC0415 - only commands that need it pay for it

    from clearway.mail import smtp  # noqa: PLC0415 - heavy

    settings = settings_in_use()
    if settings.smtp_host is None:
        raise CommandError(NO_SERVER)
    where = f"{settings.smtp_host}:{settings.smtp_port} ({settings.smtp_security.value})"
    try:
        asyncio.run(smtp.greet(settings))
    except smtp.ServerAwayError as error:
        raise CommandError(f"The mail server {where} can't be used: {error}. Check the SMTP_… settings.") from None
    answers = f"The mail server {plain(where)} answers. `clearway mail test you@example.com` sends a mail."
    return Result({"server": where, "answers": True}, answers)


@mail.command("test")
@shows_result
def send_trial(to: Annotated[str, typer.Argument(metavar="ADDRESS", help="Who gets the mail.")]) -> Result:
    """Send one mail through the workers, as every other mail is sent."""
    from clearway.cli.services import with_services  # noqa: PLC0415 - heavy
    from clearway.mail import letters, outbox  # noqa: PLC0415
    from clearway.services import Services  # noqa: PLC0415

    if not is_address(to):
        raise CommandError("This is not an e-mail address.")
    if settings_in_use().smtp_host is None:
        raise CommandError(NO_SERVER)

    async def work(services: Services) -> str:
        async with services.engine.begin() as connection:
            mail_id = await outbox.record(connection, services.cipher, letters.trial(to))
        await outbox.start(services.temporal, mail_id)
        return mail_id

    mail_id = with_services(work)
    return Result({"id": mail_id}, f"{mail_id} is on its way. `clearway mail list` shows its status.")


@mail.command("list")
@shows_result
def list_mails(
    *,
    status: Annotated[MailStatus | None, typer.Option(help="Only mails with this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many to show.")] = 50,
) -> Result:
    """List mails, newest first, with their status. Addresses are not shown."""
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy
    from clearway.db import mails  # noqa: PLC0415

    found = [dict(row._mapping) for row in in_transaction(lambda each: mails.newest(each, status, limit))]  # noqa: SLF001 - public in SQLAlchemy
    rows = table("mail", "recorded", "which", "status", "tries", "why")
    for each in found:
        moment = f"{each['created_at']:%Y-%m-%d %H:%M:%S}"
        rows.add_row(
            plain(each["id"]),
            moment,
            plain(each["template"]),
            coloured(each["status"]),
            str(each["tries"]),
            plain(each["error"]),
        )
    hint = [NO_SERVER] if settings_in_use().smtp_host is None else []
    return Result(found, rows if found else "No mails.", *hint)


@mail.command("show")
@shows_result
def show_mail(
    mail_id: Annotated[str, typer.Argument(metavar="MAIL", help="mail_…, as `list` shows it")],
    *,
    operator: Annotated[str | None, typer.Option(help="Who reads it. Default: your login name.")] = None,
) -> Result:
    """Show a mail that is not sent yet, as JSON. It has an address and links, so the audit log records who read it."""
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy
    from clearway.crypto.encryption import Cipher, EncryptionError  # noqa: PLC0415
    from clearway.domain.actor import Actor  # noqa: PLC0415
    from clearway.domain.actor import operator as named  # noqa: PLC0415
    from clearway.mail import outbox  # noqa: PLC0415

    cipher = Cipher.from_settings(settings_in_use().secret_keys.get_secret_value())
    actor = Actor(named(operator or login()), None)
    try:
        letter = in_transaction(lambda connection: outbox.read(connection, cipher, actor, mail_id))
    except EncryptionError as error:
        raise CommandError(str(error)) from None
    if letter is None:
        raise CommandError(f"There is no mail {mail_id} whose text is kept: it is unknown, or sent.")
    return Result(letter)


@mail.command("resend")
@shows_result
def resend_mails(
    mail_id: Annotated[
        str | None, typer.Argument(metavar="[MAIL]", help="Only this one; else all that failed.")
    ] = None,
) -> Result:
    """Send failed mails again, except those whose links have expired."""
    from clearway.cli.services import with_services  # noqa: PLC0415 - heavy
    from clearway.mail import outbox  # noqa: PLC0415
    from clearway.services import Services  # noqa: PLC0415

    if settings_in_use().smtp_host is None:
        raise CommandError(NO_SERVER)

    async def work(services: Services) -> int:
        async with services.engine.begin() as connection:
            reopened = await outbox.reopen(connection, mail_id)
        await outbox.start(services.temporal, *reopened)
        return len(reopened)

    count = with_services(work)
    if not count:
        raise CommandError("No failed mail can be sent again. Links that have expired are not sent.")
    mails = "mail is" if count == 1 else "mails are"
    return Result({"resent": count}, f"{count} {mails} on the way. `clearway mail list` shows the result.")
