"""The database is restored from an older copy: what the gateway knows is found, rebuilt or listed."""

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

from tests.stack.e2e.conftest import RECOVERY_S, Site, running
from tests.stack.e2e.merchant import Merchant, eventually
from tests.support.database_copy import copy_database, put_database_back

pytestmark = pytest.mark.timeout(400)


REFUSED = "its order is paid by another payment, or nothing is left to refund: settle it at the gateway"
SETTLED_S = 5.0
"""Above RECOVERY_AFTER_S: younger operations are left out, because their workflows may be about to record them."""
UPI = {"method": "upi", "vpa": "success@razorpay"}


@pytest.fixture
async def own_site(tmp_path: Path) -> AsyncIterator[Site]:
    """Run a stack that no other test sees, because what its database forgets stays forgotten."""
    async with running(tmp_path / "state") as site:
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


async def paid_by(merchant: Merchant, order_id: str) -> dict[str, Any]:
    """Pay an order that exists, and wait for the payment's success."""
    answer = await merchant.post("/payments", {"order_id": order_id, **UPI})
    assert answer.status_code == 201, answer.text
    return await merchant.until(dict(answer.json()), "success")


async def test_a_restored_database_ends_in_agreement_with_the_gateway(own_site: Site, tmp_path: Path) -> None:
    """Each lost charge is in the rows again, with its order. It is only listed if another payment has its order."""
    merchant = own_site.merchant
    since = datetime.now(UTC) - timedelta(seconds=5)
    waiting, paid = await merchant.authorized(5_100), await merchant.paid(5_200)
    order_before, order_paid_twice = await merchant.order(5_300), await merchant.order(5_500)
    await copy_database(own_site.stack, tmp_path / "copy")
    await own_site.stack.start("postgres")

    await eventually(lambda: merchant.http.get(f"{own_site.stack.api_url}/ready"), lambda answer: answer.is_success)
    part = await merchant.insist(f"/payments/{waiting['id']}/capture", {"amount": 2_000}, key=f"part-{waiting['id']}")
    assert part.status_code == 200, part.text
    refund = await merchant.refund(paid, 1_200)
    await merchant.until(refund, "processed")
    lost, displaced = await paid_by(merchant, order_before), await paid_by(merchant, order_paid_twice)
    with_order = await merchant.paid(5_400)

    await put_database_back(own_site.stack, tmp_path / "copy")
    await own_site.stack.start("postgres")
    await eventually(lambda: merchant.http.get(f"{own_site.stack.api_url}/ready"), lambda answer: answer.is_success)
    assert (await merchant.read(f"/payments/{lost['id']}"))["status"] == "HTTP 404"
    spans = ("--since", since.isoformat())
    await asyncio.sleep(SETTLED_S)
    dry = await recover(own_site, "--dry-run", *spans)
    lost_ids = {each["id"] for each in (lost, displaced, with_order)}
    assert lost_ids <= {each["payment_id"] for each in dry["unrecorded"]}
    second = await paid_by(merchant, order_paid_twice)

    async def left() -> set[str]:
        found = await recover(own_site, *spans)
        return {f"{each['payment_id']} {each['amount_minor']} {each['rebuilt']}" for each in found["unrecorded"]}

    await eventually(left, lambda found: found == {f"{displaced['id']} 5500 {REFUSED}"}, RECOVERY_S)
    assert (await merchant.until(lost, "success"))["amount_captured"] == 5_300
    assert (await merchant.until(with_order, "success"))["amount_captured"] == 5_400
    order = await merchant.read(f"/orders/{with_order['order_id']}")
    assert (order["status"], order["amount"]) == ("paid", 5_400)
    assert (await merchant.until(waiting, "success"))["amount_captured"] == 2_000
    assert (await merchant.until(refund, "processed"))["amount"] == 1_200
    assert (await merchant.read(f"/payments/{displaced['id']}"))["status"] == "HTTP 404"
    charges = ((waiting, 2_000), (lost, 5_300), (paid, 5_200), (with_order, 5_400), (displaced, 5_500), (second, 5_500))
    for payment, amount in charges:
        assert await merchant.charged(payment) == [amount]
