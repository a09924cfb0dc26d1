"""The mail catcher of `make dev`: takes real SMTP, shows people and tests what came, and runs nothing of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from clearway.dev.ports import HOST, Ports
from clearway.dev.services import environment, program, python_service
from clearway.mail import letters, rendering, smtp
from clearway.settings import Settings

TO = "owner@example.test"
LINK = "http://127.0.0.1:3000/verify?token=abc&x=1"


@pytest.fixture
async def catcher(tmp_path: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Settings]]:
    """Run the program as the stack does; return its HTTP side and the settings that the stack gives to workers."""
    ports = Ports.free()
    given = environment(ports=ports, database_url="", temporal={}, state_dir=tmp_path, overrides={}, catches_mail=True)
    run = program("mail", ports, None)  # only workers need Temporal
    service = python_service(run, env=given, log_dir=tmp_path)
    await service.start()
    names = ("SMTP_HOST", "SMTP_PORT", "SMTP_SECURITY", "MAIL_FROM", "ALERT_EMAIL_TO")
    settings = Settings(_env_file=None, **{name.lower(): given[name] for name in names})
    try:
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{ports.mail}", trust_env=False) as http:
            yield http, settings
    finally:
        await service.stop()


async def deliver(settings: Settings, to: str = TO) -> None:
    """Send a mail as a worker does."""
    letter = letters.verify_address(to, link=LINK, expires_at=datetime.now(UTC))
    sender = smtp.sender_of(settings)
    await smtp.send(
        settings, rendering.message_of(letter, mail_id="mail_1", sender=sender, written_at=datetime.now(UTC)), to
    )


async def test_a_mail_is_listed_with_its_links(catcher: tuple[httpx.AsyncClient, Settings]) -> None:
    """What a worker sends with the stack's settings is listed newest first, by address, with its links."""
    http, settings = catcher
    await deliver(settings, "other@example.test")
    await deliver(settings)
    assert [mail["to"] for mail in (await http.get("/api/mails")).json()["items"]] == [[TO], ["other@example.test"]]
    (mail,) = (await http.get("/api/mails", params={"to": TO.upper()})).json()["items"]
    assert (mail["subject"], mail["links"]) == ("Confirm your e-mail address", [LINK])
    assert mail["sender"] == "Clearway <no-reply@clearway.test>"
    assert (await http.get(f"/api/mails/{mail['id']}")).json() == mail
    assert (await http.delete("/api/mails")).status_code == 204
    assert (await http.get("/api/mails")).json() == {"items": []}
    assert (await http.get(f"/api/mails/{mail['id']}")).status_code == 404


async def test_the_html_of_a_mail_is_harmless(catcher: tuple[httpx.AsyncClient, Settings]) -> None:
    """A mail is shown under a policy that runs no script and loads nothing; its links open a new tab."""
    http, settings = catcher
    await deliver(settings)
    mail_id = (await http.get("/api/mails")).json()["items"][0]["id"]
    shown = await http.get(f"/mails/{mail_id}/html")
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'")
    assert "allow-scripts" not in policy
    assert '<base target="_blank">' in shown.text
    page = await http.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.text
    assert {(await http.get(f"/page.{kind}")).status_code for kind in ("css", "js")} == {200}
