"""`clearway gateway-events` and `reviews`: what gateways sent, and what contradicts the record."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from clearway.cli.decorators import Result, shows_result
from clearway.cli.output import clock, plain, table
from clearway.cli.problems import CommandError
from clearway.cli.running import login, settings_in_use
from clearway.domain.gateway_event import Disposition

events: Final = typer.Typer(help="Events that gateways sent: list, show.", no_args_is_help=True)
reviews: Final = typer.Typer(
    help="Contradictions between a gateway and the stored payments and refunds: list, close.", no_args_is_help=True
)

OPERATING: Final = "Operate"


def register(app: typer.Typer) -> None:
    """Add the groups."""
    app.add_typer(events, name="gateway-events", rich_help_panel=OPERATING)
    app.add_typer(reviews, name="reviews", rich_help_panel=OPERATING)


@events.command("list")
@shows_result
def list_events(
    *,
    subject: Annotated[str | None, typer.Option(metavar="ID", help="Only events about this pay_… or rfnd_…")] = None,
    disposition: Annotated[Disposition | None, typer.Option(help="Only events with this disposition.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many to show.")] = 50,
) -> Result:
    """List the events that gateways sent, newest first, and what was done with each."""
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy
    from clearway.gateway_events.reviewing import list_events as found_events  # noqa: PLC0415 - heavy

    found = in_transaction(
        lambda connection: found_events(connection, limit=limit, subject_id=subject, disposition=disposition)
    )
    rows = table("received (UTC)", "gateway", "verdict", "became", "about", "event", "why")
    for item in found:
        names = ("gateway", "verdict", "disposition", "operation_key", "event_id", "reason")
        rows.add_row(clock(str(item["received_at"])), *(plain(item[name]) for name in names))
    return Result(found, rows if found else "No events.")


@events.command("show")
@shows_result
def show_event(
    event_id: Annotated[str, typer.Argument(metavar="ID", help="gwe_…, as `list --json` shows it")],
    *,
    operator: Annotated[str | None, typer.Option(help="Who reads it. Default: your login name.")] = None,
) -> Result:
    """Show an event as the gateway sent it, as JSON. It may name a customer, so the audit log records who read it."""
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy
    from clearway.crypto.encryption import Cipher, EncryptionError  # noqa: PLC0415
    from clearway.domain.actor import Actor  # noqa: PLC0415
    from clearway.domain.actor import operator as named  # noqa: PLC0415
    from clearway.domain.errors import ClearwayError  # noqa: PLC0415
    from clearway.gateway_events.reviewing import show_event as shown  # noqa: PLC0415

    cipher = Cipher.from_settings(settings_in_use().secret_keys.get_secret_value())
    actor = Actor(named(operator or login()), None)
    try:
        return Result(in_transaction(lambda connection: shown(connection, cipher, actor, event_id)))
    except (ClearwayError, EncryptionError) as error:
        raise CommandError(str(error)) from None


@reviews.command("list")
@shows_result
def list_reviews(*, everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False) -> Result:
    """List gateway events that contradict a payment or refund after its end."""
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy
    from clearway.gateway_events.reviewing import list_reviews as found_reviews  # noqa: PLC0415 - heavy

    found = in_transaction(lambda connection: found_reviews(connection, only_open=not everything))
    rows = table("review", "opened (UTC)", "about", "kind", "resolution")
    for item in found:
        rest = (item["subject_id"], item["kind"], item["resolution"])
        rows.add_row(plain(item["id"]), clock(str(item["opened_at"])), *(plain(value) for value in rest))
    if not found:
        return Result(found, "No reviews.")
    return Result(found, rows, "Close one: clearway reviews close REVIEW --resolution 'what you found at the gateway'")


@reviews.command("close")
@shows_result
def close_review(
    review_id: Annotated[str, typer.Argument(metavar="REVIEW", help="rev_…")],
    *,
    resolution: Annotated[str, typer.Option(help="What you found at the gateway, and what you did.")],
    operator: Annotated[str | None, typer.Option(help="Your name for the audit log. Default: your login name.")] = None,
) -> Result:
    """Close a review. It does not change the payment or refund: move money by a refund, or at the gateway."""
    from clearway.cli.transaction import in_transaction  # noqa: PLC0415 - heavy
    from clearway.domain.actor import Actor  # noqa: PLC0415 - heavy
    from clearway.domain.actor import operator as named  # noqa: PLC0415 - heavy
    from clearway.domain.errors import ClearwayError  # noqa: PLC0415 - heavy
    from clearway.gateway_events.reviewing import close_review as close  # noqa: PLC0415 - heavy

    if not resolution.strip():
        raise typer.BadParameter("Write what you found. The next person relies on it.", param_hint="--resolution")
    actor = Actor(named(operator or login()), None)
    try:
        closed = in_transaction(lambda connection: close(connection, actor, review_id, resolution))
    except ClearwayError as error:
        raise CommandError(str(error)) from None
    return Result(closed, f"{plain(review_id)} is closed.")
