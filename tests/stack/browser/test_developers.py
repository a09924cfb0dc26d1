"""Developers in a real browser: keys, request log, event catalogue, and programs of the guide that really run."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Page, expect

from clearway.dev.stack import Stack
from clearway.domain.events import EventType
from clearway.domain.roles import Role
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD, TEST_API_KEY, TEST_API_SECRET
from tests.stack.browser.people import add_member, sign_in
from tests.stack.browser.shop import Shop
from tests.stack.e2e.merchant import eventually

RUNNERS: Final = {"curl": "sh", "python": sys.executable, "node": "node", "php": "php", "ruby": "ruby"}
SUFFIXES: Final = {"curl": "sh", "python": "py", "node": "mjs", "php": "php", "ruby": "rb"}
SECRET: Final = "whsec_" + base64.b64encode(b"a key of thirty-two bytes, or so").decode()
CALLS: Final = {
    "python": "\nimport sys\nprint(verified_event({secret}, json.loads(sys.argv[1]), sys.stdin.buffer.read()))\n",
    "node": """
import {{ readFileSync }} from "node:fs";
console.log(JSON.stringify(verifiedEvent({secret}, JSON.parse(process.argv[2]), readFileSync(0))));
""",
    "php": "\necho json_encode(verified_event({secret}, json_decode($argv[1], true), file_get_contents('php://stdin')));\n",
    "ruby": "\nputs verified_event({secret}, JSON.parse(ARGV[0]), $stdin.read).inspect\n",
}
"""What calls the function of a sample, as a receiver does."""


async def shown(page: Page, stack: Stack, language: str, label: str) -> str:
    """Return a program as the guide shows it."""
    await page.goto(f"{stack.dashboard_url}/developers/guide?lang={language}&key={TEST_API_KEY}")
    return await page.get_by_role("region", name=label).inner_text()


def run(
    language: str, program: Path, *arguments: str, given: bytes = b"", **env: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a program of the guide, or skip where its language is not installed."""
    runner = shutil.which(RUNNERS[language])
    if runner is None:
        assert language in {"php", "ruby"}, f"{language} is needed: it is one of those that are always tested"
        pytest.skip(f"{language} is not installed")
    command = [runner, str(program), *arguments]
    return subprocess.run(  # noqa: S603 - a program of this repository
        command,
        input=given,
        env={**os.environ, **env},
        capture_output=True,
        timeout=60,
        check=False,
        cwd=program.parent,
    )


@pytest.mark.parametrize("language", [*RUNNERS])
async def test_the_programs_of_the_guide_pay(
    page: Page, stack: Stack, shop: Shop, tmp_path: Path, language: str
) -> None:
    """Each program runs as it is shown, with the reader's own key id, and creates a payment; a repeat none."""
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    text = await shown(page, stack, language, "Create an order and pay it")
    assert TEST_API_KEY in text
    assert TEST_API_SECRET not in await page.content()
    program = tmp_path / f"pay.{SUFFIXES[language]}"
    program.write_text(text.replace("1042", f"{time.time_ns()}"), encoding="utf-8")
    outputs = [run(language, program, CLEARWAY_API_SECRET=TEST_API_SECRET) for _ in range(2)]
    assert [each.returncode for each in outputs] == [0, 0], outputs[0].stderr.decode()
    found = {each for done in outputs for each in re.findall(r"pay_[0-9a-z]{26}", done.stdout.decode())}
    (payment_id,) = found
    assert (await shop.api.get(f"/payments/{payment_id}")).status_code == 200


@pytest.mark.parametrize("language", [*RUNNERS])
async def test_the_programs_of_the_guide_verify(page: Page, stack: Stack, tmp_path: Path, language: str) -> None:
    """Each program takes a genuine webhook, and refuses a changed body and one that is too old."""
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    text = await shown(page, stack, language, "Verify a webhook")
    program = tmp_path / f"verify.{SUFFIXES[language]}"
    program.write_text(text + CALLS.get(language, "").format(secret=json.dumps(SECRET)), encoding="utf-8")
    body = json.dumps({"id": "evt_1", "type": "payment.success", "data": {"name": "Արամ"}}).encode()
    now = int(time.time())
    assert verdict(language, program, now, body, body)
    assert not verdict(language, program, now, body, body.replace(b"success", b"failed"))
    assert not verdict(language, program, now - 3_600, body, body)


def verdict(language: str, program: Path, at: int, signed: bytes, sent: bytes) -> bool:
    """Tell whether a program takes a webhook for genuine."""
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    made = base64.b64encode(hmac.new(key, f"evt_1.{at}.".encode() + signed, hashlib.sha256).digest()).decode()
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(at), "webhook-signature": f"v1,b2xk v1,{made}"}
    if language != "curl":
        done = run(language, program, json.dumps(headers), given=sent)
        assert done.returncode == 0, done.stderr.decode()
        return "payment.success" in done.stdout.decode()
    (program.parent / "body.json").write_bytes(sent)
    env = {name.upper().replace("-", "_"): value for name, value in headers.items()}
    return run(language, program, CLEARWAY_WEBHOOK_SECRET=SECRET, **env).returncode == 0


async def test_a_key_is_made_used_rotated_and_revoked(page: Page, stack: Stack) -> None:
    """An owner makes a key with one permission; its secret is shown once; rotated and revoked, it opens no more."""
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/developers")
    await page.get_by_role("button", name="Create key").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name", exact=True).fill("Shop backend")
    await dialog.get_by_role("button", name="Create key").click()
    await expect(dialog.get_by_text("Choose at least one permission.")).to_be_visible()
    await dialog.get_by_label("orders:read").check()
    await dialog.get_by_label("Allowed networks").fill("10.0.0.0/33")
    await dialog.get_by_role("button", name="Create key").click()
    await expect(dialog.get_by_text("This is not a network")).to_be_visible()
    await dialog.get_by_label("Allowed networks").fill("")
    await dialog.get_by_role("button", name="Create key").click()
    secret = await new_secret(page)
    await page.get_by_role("link", name="Shop backend").click()
    await expect(page.get_by_role("heading", name="Shop backend")).to_be_visible()
    assert secret not in await page.content()
    key_id = page.url.rpartition("/")[2]
    assert await opens(page, stack, key_id, secret) == 200
    await page.get_by_role("button", name="Rotate").click()
    await dialog.get_by_label("The old secret still works for").select_option("0")
    await dialog.get_by_role("button", name="Rotate").click()
    second = await new_secret(page)
    assert [await opens(page, stack, key_id, each) for each in (secret, second)] == [401, 200]
    await page.get_by_role("button", name="Revoke").click()
    await dialog.get_by_role("button", name="Revoke").click()
    await expect(page.get_by_text("Revoked", exact=True).first).to_be_visible()
    assert await opens(page, stack, key_id, second) == 401


async def new_secret(page: Page) -> str:
    """Return the secret that is shown once, and close its dialog."""
    dialog = page.get_by_role("dialog", name="The key and its secret")
    secret = await dialog.locator("code").last.inner_text()
    await dialog.get_by_label("I have stored the secret").check()
    await dialog.get_by_role("button", name="Done").click()
    await expect(dialog).to_be_hidden()
    return secret


async def opens(page: Page, stack: Stack, key_id: str, secret: str) -> int:
    """Return how the API answers to this key."""
    headers = {"X-Api-Key": key_id, "X-Api-Secret": secret}
    return (await page.context.request.get(f"{stack.api_url}/api/v1/orders", headers=headers)).status


async def test_a_refused_request_is_found_in_the_log(page: Page, stack: Stack, shop: Shop) -> None:
    """A program's refused request is listed with its error, and opened with both bodies, masked."""
    headers = {"X-Request-Id": "from-the-browser-test", "Idempotency-Key": "logged-1"}
    body = {"amount": 0, "currency": "INR", "notes": {"who": "Ada Lovelace"}}
    await shop.api.post("/orders", json=body, headers=headers)
    asked = "request_id=from-the-browser-test"
    await eventually(lambda: shop.read(f"/request_log?{asked}"), lambda found: bool(found["data"]))
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/developers/requests?{asked}")
    await page.get_by_role("row").filter(has_text="validation_error").get_by_role("link").click()
    await expect(page.get_by_role("region", name="Request body")).to_contain_text('"notes": "•••"')
    await expect(page.get_by_role("region", name="Answer")).to_contain_text('"code": "validation_error"')
    await expect(page.get_by_text("Ada Lovelace")).to_have_count(0)


async def test_the_catalogue_has_every_event(page: Page, stack: Stack) -> None:
    """Each event type is listed and leads to its schema and example; the reference opens from its tab."""
    await sign_in(page, stack, OWNER_EMAIL, OWNER_PASSWORD)
    await page.goto(f"{stack.dashboard_url}/developers/events")
    for each in EventType:
        await expect(page.get_by_role("link", name=each.value, exact=True)).to_be_visible()
    await page.get_by_role("link", name="refund.failed", exact=True).click()
    example = await page.get_by_role("region", name="Example of refund.failed").inner_text()
    assert json.loads(example)["data"]["status"] == "failed"
    schema = await page.get_by_role("region", name="JSON schema of refund.failed").inner_text()
    assert json.loads(schema)["$id"] == "urn:clearway:event:refund.failed"
    await page.goto(f"{stack.dashboard_url}/developers/reference")
    async with page.expect_popup() as opened:
        await page.get_by_role("link", name="Open the reference").click()
    reference = await opened.value
    await expect(reference.locator("#swagger-ui .info")).to_be_visible(timeout=60_000)  # a large document


async def test_a_viewer_sees_keys_and_no_buttons(page: Page, stack: Stack) -> None:
    """A viewer may look at keys; the log, and every button that changes something, is not there."""
    await add_member(stack, "looks-at-keys@example.test", Role.VIEWER)
    await sign_in(page, stack, "looks-at-keys@example.test")
    await page.goto(f"{stack.dashboard_url}/developers")
    await expect(page.get_by_text(TEST_API_KEY)).to_be_visible()
    assert await page.get_by_role("button", name="Create key").count() == 0
    assert await page.get_by_role("link", name="Request log").count() == 0
    await page.goto(f"{stack.dashboard_url}/developers/keys/{TEST_API_KEY}")
    await expect(page.get_by_text("Key id, sent as X-Api-Key")).to_be_visible()
    for name in ("Rotate", "Revoke"):
        assert await page.get_by_role("button", name=name).count() == 0
