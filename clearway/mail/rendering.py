"""Makes the message of a letter: text and HTML from Jinja2 templates. Nothing in it is loaded or tracked."""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from clearway.domain.mail import LINK_FORM
from clearway.mail.letters import Letter

SUBJECT_LENGTH_MAX: Final = 150


def message_of(letter: Letter, *, mail_id: str, sender: Address, written_at: datetime) -> EmailMessage:
    """Return the message. Its id is that of the mail, so a mail that is sent twice can be recognised."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = letter.subject[:SUBJECT_LENGTH_MAX]
    message["From"] = sender
    message["To"] = Address(addr_spec=letter.to)
    message["Date"] = format_datetime(written_at)
    message["Message-ID"] = f"<{mail_id}@{sender.domain}>"
    # RFC 3834: no out-of-office note answers this.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_templates().get_template("layout.txt").render(letter=letter), cte="quoted-printable")
    html = _templates().get_template("layout.html").render(letter=letter)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message


@cache
def _templates() -> Environment:
    """HTML is escaped; what a letter lacks is an error, not a gap."""
    made = Environment(
        loader=PackageLoader("clearway.mail"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.tests["link"] = lambda value: LINK_FORM.fullmatch(value) is not None
    return made
