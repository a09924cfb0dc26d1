"""The worker dies exactly between committing a step and starting its webhooks, or between that and reporting it.

There chance seldom hits, and there a webhook would be lost or a step be recorded twice: a worker that dies on purpose
(`crashing_worker`) takes the real one's place for each.
"""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from clearway.dev.child import Child, ChildSpec
from clearway.local_stack import PROJECT_ROOT
from tests.stack.e2e.conftest import RECOVERY_S, Site

pytestmark = pytest.mark.timeout(400)

POINTS = [
    ("before", "payment.created"),
    ("before", "payment.success"),
    ("after", "payment.success"),
    ("before", "refund.created"),
    ("before", "refund.processed"),
]


async def die_at(site: Site, when: str, event_type: str) -> None:
    """Run a worker until it has died at this point."""
    spec = ChildSpec(
        name="crashing-worker",
        argv=[sys.executable, "-m", "tests.stack.e2e.crashing_worker", when, event_type],
        log=site.stack.log_dir / "crashing-worker.log",
        env=site.stack.environment(),
        cwd=PROJECT_ROOT,
    )
    child = Child.start(spec)
    try:
        assert await child.wait(60) == -signal.SIGKILL, child.last_words()
    finally:
        await child.kill()


async def test_a_step_that_was_committed_sends_its_webhooks(fragile: Site) -> None:
    """For each point of death between commit and report: each event once, each webhook arrives, one charge."""
    merchant = fragile.merchant
    paid = {point: await merchant.paid() for point in POINTS if point[1].startswith("refund.")}
    await fragile.stack.stop("worker")
    asked = []
    for point in POINTS:
        if point in paid:
            path, body = f"/payments/{paid[point]['id']}/refunds", {}
        else:
            path, body = "/payments", await merchant.body()
        key = "-".join(("crash", *point, str(body.get("order_id", path))))
        asked.append(asyncio.create_task(merchant.insist(path, body, key=key)))
        await die_at(fragile, *point)
    await fragile.stack.start("worker")

    for point, answer in zip(POINTS, await asyncio.gather(*asked), strict=True):
        assert answer.status_code == 201, answer.text
        noun, good = ("refund", "processed") if point in paid else ("payment", "success")
        ended = await merchant.until(answer.json(), good, limit_s=RECOVERY_S)
        story = await merchant.story(ended.get("payment_id", ended["id"]))
        assert [story.count(f"{noun}.{told}") for told in ("created", good)] == [1, 1], story
        assert len(await merchant.charged(ended.get("payment_id", ended["id"]))) == 1
