"""Handing a mail to a real SMTP server: what arrives, how it is encrypted, and what a refusal means."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from clearway.mail import letters, rendering, smtp
from clearway.mail.letters import Letter
from clearway.settings import Settings
from tests.services.api.conftest import changed, free_port
from tests.support.authority import Authority
from tests.support.mail_server import LOGIN, MailServer, running_mail_server

TO = "ann@example.test"
LINK = "https://dashboard.example/verify?token=abc&next=%2F"
EXPIRY = datetime(2031, 5, 4, 12, 30, tzinfo=UTC)


def message(settings: Settings, letter: Letter) -> EmailMessage:
    """Make the message of a letter."""
    sender = smtp.sender_of(settings)
    return rendering.message_of(letter, mail_id="mail_1", sender=sender, written_at=datetime.now(UTC))


async def send(settings: Settings, server: MailServer, letter: Letter | None = None, **more: Any) -> None:
    """Send a letter to a server."""
    letter = letter or letters.verify_address(TO, link=LINK, expires_at=EXPIRY)
    chosen = changed(settings, **server.settings | more)
    await smtp.send(chosen, message(chosen, letter), letter.to)


def tls_of(authority: Authority, name: str) -> ssl.SSLContext:
    """Return a server's side of TLS with an identity of this authority."""
    identity = authority.issue(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)
    return context


async def test_a_mail_has_text_and_html_and_loads_nothing(settings: Settings) -> None:
    """Both parts say the same and have the link; nothing in the HTML is fetched from anywhere."""
    async with running_mail_server() as server:
        await send(settings, server)
    (mail,), (envelope,) = server.mails(), server.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@shop.example", [TO])
    assert (mail["From"], mail["To"]) == ("Clearway <no-reply@shop.example>", TO)
    assert (mail["Subject"], mail["Message-ID"]) == ("Confirm your e-mail address", "<mail_1@shop.example>")
    text, html = (part.get_content() for part in mail.iter_parts())
    assert LINK in text
    assert "04 May 2031, 12:30 UTC" in text
    assert 'href="https://dashboard.example/verify?token=abc&amp;next=%2F"' in html
    assert not [word for word in ("<img", "<link", "<script", "url(", "@import", "src=") if word in html]
    assert "prefers-color-scheme: dark" in html


HOSTILE = (
    'Shop\r\nBcc: thief@evil.example\n\n<script>alert(1)</script> "x" \u202e https://evil.example/ www.evil.example'
)


@pytest.mark.parametrize("field", ["account_name", "inviter", "role"])
async def test_text_of_others_adds_no_header_no_markup_and_no_link(settings: Settings, field: str) -> None:
    """A name with line breaks is one line, markup is text, and what would become a link is no link."""
    fields = {"account_name": "A Shop", "inviter": "Bob", "role": "viewer"} | {field: HOSTILE}
    letter = letters.invitation(TO, link=LINK, expires_at=EXPIRY, **fields)
    async with running_mail_server() as server:
        await send(settings, server, letter)
    (mail,), (envelope,) = server.mails(), server.envelopes
    assert envelope.rcpt_tos == [TO]
    assert mail.keys().count("Bcc") == 0
    text, html = (part.get_content() for part in mail.iter_parts())
    for part in (text, html):
        assert "https://evil" not in part
        assert "www.evil" not in part
        assert "\u202e" not in part
    assert "<script" not in html


def test_names_are_bounded() -> None:
    """A long name is cut, so that nobody writes a mail of their own through Clearway."""
    letter = letters.invitation(
        TO, account_name="x" * 9_000, inviter="y" * 9_000, role="z" * 9_000, link=LINK, expires_at=EXPIRY
    )
    assert sum(len(value) for _, value in letter.facts) <= 3 * 80
    assert len(letter.subject) <= 100


@pytest.mark.parametrize(
    "to", ["", "ann", "ann@", "a b@c.example", "ann@x.example\r\nBcc: b@c.example", "a@b@c.example"]
)
def test_what_is_no_address_gets_no_letter(to: str) -> None:
    """An address that could add a header or a recipient is refused before it is stored."""
    with pytest.raises(ValueError, match="address"):
        letters.trial(to)


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "//evil.example", "https://a.example/ x", 'https://a.example/"']
)
def test_a_link_is_a_web_address(link: str) -> None:
    """Nothing but http and https becomes a link."""
    with pytest.raises(ValueError, match="http"):
        letters.verify_address(TO, link=link, expires_at=EXPIRY)


async def test_starttls_and_the_log_in(settings: Settings, tmp_path: Path) -> None:
    """With STARTTLS the mail arrives after a log-in; a server without a trusted certificate gets nothing."""
    authority = Authority(tmp_path)
    login = {"smtp_username": LOGIN[0], "smtp_password": LOGIN[1], "smtp_security": "starttls"}
    async with running_mail_server(starttls=tls_of(authority, "localhost")) as server:
        known = login | {"smtp_host": "localhost", "smtp_tls_ca": authority.file}
        await send(settings, server, **known)
        with pytest.raises(smtp.ServerAwayError, match="certificate verify failed"):
            await send(settings, server, **(known | {"smtp_tls_ca": None}))
        with pytest.raises(smtp.ServerAwayError, match="535"):
            await send(settings, server, **(known | {"smtp_password": "wrong"}))
    assert len(server.envelopes) == 1


async def test_tls_from_the_start(settings: Settings, tmp_path: Path) -> None:
    """A server that speaks TLS at once is used so, and `greet` finds out without a mail."""
    authority = Authority(tmp_path)
    more = {"smtp_host": "localhost", "smtp_security": "tls", "smtp_tls_ca": authority.file}
    async with running_mail_server(tls=tls_of(authority, "localhost")) as server:
        await smtp.greet(changed(settings, **server.settings | more))
        assert server.envelopes == []
        await send(settings, server, **more)
    assert len(server.envelopes) == 1


async def test_nothing_is_sent_in_clear_where_encryption_is_set(settings: Settings) -> None:
    """A server that offers no STARTTLS gets no mail: somebody may have removed the offer."""
    async with running_mail_server() as server:
        with pytest.raises(smtp.ServerAwayError):
            await send(settings, server, smtp_security="starttls")
    assert server.envelopes == []


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"recipient_answers": ["550 5.1.1 <ann@example.test> is unknown"]}, smtp.MailRefusedError),
        ({"content_answers": ["554 5.7.1 spam"]}, smtp.MailRefusedError),
        ({"recipient_answers": ["450 4.2.0 greylisted"]}, smtp.ServerAwayError),
        ({"content_answers": ["451 4.3.0 later"]}, smtp.ServerAwayError),
    ],
)
async def test_what_a_refusal_means(
    settings: Settings, answers: dict[str, list[str]], expected: type[Exception]
) -> None:
    """5xx to the recipient or the content is final, 4xx is not; the error says why and repeats no address."""
    async with running_mail_server() as server:
        vars(server).update(answers)
        with pytest.raises(expected) as refused:
            await send(settings, server)
    assert "@" not in str(refused.value)


async def test_a_server_that_does_not_listen_is_away(settings: Settings) -> None:
    """A refused connection is no reason to give a mail up."""
    with pytest.raises(smtp.ServerAwayError):
        await send(settings, MailServer(free_port()))
