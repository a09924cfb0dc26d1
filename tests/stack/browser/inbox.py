"""Reads what the mail catcher received, as a person who looks into their inbox."""

from __future__ import annotations

from typing import Any

import httpx

from clearway.dev.stack import Stack
from tests.stack.e2e.merchant import eventually


async def mails(stack: Stack, address: str) -> list[dict[str, Any]]:
    """Return the mails to an address, newest first."""
    async with httpx.AsyncClient(base_url=stack.mail_url, trust_env=False) as client:
        found: list[dict[str, Any]] = (
            (await client.get("/api/mails", params={"to": address})).raise_for_status().json()["items"]
        )
    return found


async def link_of(stack: Stack, address: str, page: str) -> str:
    """Wait for a mail to an address with a link to a page of the dashboard; return the newest such link."""
    wanted = f"{stack.dashboard_url}{page}?token="

    async def newest() -> str | None:
        links = [link for mail in await mails(stack, address) for link in mail["links"] if link.startswith(wanted)]
        return links[0] if links else None

    return str(await eventually(newest, lambda link: link is not None))


async def wait_for_subject(stack: Stack, address: str, words: str) -> None:
    """Wait until a mail to an address has these words in its subject."""
    await eventually(
        lambda: mails(stack, address), lambda found: any(words in mail["subject"].lower() for mail in found)
    )
