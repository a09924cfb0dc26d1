"""The database is restored from a copy of some moments ago: what the gateway knows is found, rebuilt or listed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.stack.e2e.conftest import CRASHABLE, RECOVERY_S, Site, running
from tests.stack.e2e.merchant import eventually
from tests.support.database_copy import copy_database, put_database_back

pytestmark = pytest.mark.timeout(400)


SETTLED_S = 5.0
"""Above RECOVERY_AFTER_S: younger operations are left out, because their workflows may be about to record them."""


@pytest.fixture
async def own_site(tmp_path: Path) -> AsyncIterator[Site]:
    """Run a stack that no other test sees, because what its database forgets stays forgotten."""
    async with running(tmp_path / "state", CRASHABLE) as site:
        yield site


async def recover(site: Site, *arguments: str) -> dict[str, Any]:
    """Run `clearway recover` as an operator does, and return its report."""
    command = [sys.executable, "-m", "clearway.cli", "recover", "--json", *arguments]
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **site.stack.environment()}, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output
    return dict(json.loads(output))


async def test_a_restored_database_ends_in_agreement_with_the_gateway(own_site: Site, tmp_path: Path) -> None:
    """Every charge of the lost time is in our rows again, or listed with its amount; nothing is charged again."""
    merchant = own_site.merchant
    since = datetime.now(UTC) - timedelta(seconds=5)
    waiting, paid = await merchant.authorized(5_100), await merchant.paid(5_200)
    order_before = await merchant.order(5_300)
    await copy_database(own_site.stack, tmp_path / "copy")
    await own_site.stack.start("postgres")

    await eventually(lambda: merchant.http.get(f"{own_site.stack.api_url}/ready"), lambda answer: answer.is_success)
    part = await merchant.insist(f"/payments/{waiting['id']}/capture", {"amount": 2_000}, key=f"part-{waiting['id']}")
    assert part.status_code == 200, part.text
    refund = await merchant.refund(paid, 1_200)
    await merchant.until(refund, "processed")
    body = {"order_id": order_before, "method": "upi", "vpa": "success@razorpay"}
    lost = (await merchant.post("/payments", body)).json()
    await merchant.until(lost, "success")
    nowhere = await merchant.paid(5_400)

    await put_database_back(own_site.stack, tmp_path / "copy")
    await own_site.stack.start("postgres")
    await eventually(lambda: merchant.http.get(f"{own_site.stack.api_url}/ready"), lambda answer: answer.is_success)
    assert (await merchant.read(f"/payments/{lost['id']}"))["status"] == "HTTP 404"
    spans = ("--since", since.isoformat())
    await asyncio.sleep(SETTLED_S)
    dry = await recover(own_site, "--dry-run", *spans)
    assert {lost["id"], nowhere["id"]} <= {each["payment_id"] for each in dry["unrecorded"]}

    async def left() -> set[str]:
        found = await recover(own_site, *spans)
        return {f"{each['payment_id']} {each['amount_minor']} {each['rebuilt']}" for each in found["unrecorded"]}

    refused = "its order or payment is gone, or taken by another: settle it at the gateway"
    await eventually(left, lambda found: found == {f"{nowhere['id']} 5400 {refused}"}, RECOVERY_S)
    assert (await merchant.until(lost, "success"))["amount_captured"] == 5_300
    assert (await merchant.until(waiting, "success"))["amount_captured"] == 2_000
    assert (await merchant.until(refund, "processed"))["amount"] == 1_200
    for payment, amounts in ((waiting, [2_000]), (lost, [5_300]), (paid, [5_200]), (nowhere, [5_400])):
        assert await merchant.charged(payment) == amounts
