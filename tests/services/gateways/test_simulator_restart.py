"""What the simulator promised survives kill -9: the real program, killed and started again on the same file."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from clearway.gateways.contract import OutcomeKind
from clearway.gateways.simulator.client import SimulatorGateway
from clearway.settings import DEVELOPMENT_SIMULATOR_SECRET
from clearway.simulator.store import StateInUseError, Store
from tests.services.gateways.asking import card, follow_up, order, outcome_when
from tests.services.gateways.running import free_listener
from tests.support.receiver import Receiver

NUMBER = "4242424242424242"


@asynccontextmanager
async def program(
    port: int, state: Path, webhook_url: str, **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `python -m clearway.simulator` and wait until it answers; kill it at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "clearway.simulator"),
        env={
            **os.environ,
            "SIMULATOR_PORT": str(port),
            "SIMULATOR_STATE": str(state),
            "SIMULATOR_WEBHOOK_URL": webhook_url,
            **environment,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        await _answering(port)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _answering(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


@pytest.fixture
async def address() -> AsyncIterator[tuple[SimulatorGateway, int]]:
    """Give a connector, and the free port it speaks to."""
    listener, url = free_listener()
    port = listener.getsockname()[1]
    listener.close()
    gateway = SimulatorGateway(url, DEVELOPMENT_SIMULATOR_SECRET, timeout_s=30)
    yield gateway, port
    await gateway.aclose()


async def test_kill_in_the_middle(tmp_path: Path, receiver: Receiver, address: tuple[SimulatorGateway, int]) -> None:
    """Pending decisions are made and unsent webhooks sent after kill -9, nothing twice; no number is kept."""
    state = tmp_path / "sim.sqlite3"
    gateway, port = address
    pending = order("success@razorpay")
    async with program(port, state, "http://127.0.0.1:9/nobody", TEST_PROCESSING_DELAY="0") as first:
        token = await gateway.tokenise(card(NUMBER))
        decided = order(token.token, "card")
        paid = await gateway.authorise(decided)
        assert paid.kind is OutcomeKind.APPROVED
        first.kill()
        first_log, _ = await first.communicate()
    async with program(port, state, "http://127.0.0.1:9/nobody", TEST_PROCESSING_DELAY="1500") as second:
        assert await gateway.authorise(decided) == paid
        assert (await gateway.authorise(pending)).kind is OutcomeKind.PENDING
        refund = follow_up(decided, paid, "refund", 300)
        assert (await gateway.refund(refund)).kind is OutcomeKind.PENDING
        second.kill()
        second_log, _ = await second.communicate()
    async with program(port, state, receiver.url, TEST_PROCESSING_DELAY="600000") as third:
        await outcome_when(gateway, pending, OutcomeKind.APPROVED)
        await outcome_when(gateway, refund, OutcomeKind.APPROVED)
        for key in (decided.key, pending.key, refund.key):
            assert len(await receiver.wait_for(1, key)) == 1
        third.terminate()
        third_log, _ = await third.communicate()
    assert b"Application shutdown complete" in third_log
    assert _captures(state) == [decided.key, pending.key]
    _assert_nowhere(NUMBER, state.parent, first_log + second_log + third_log)


def _captures(state: Path) -> list[str]:
    query = "SELECT operation_key FROM effects WHERE type = 'captured' ORDER BY sequence"
    with closing(sqlite3.connect(state)) as connection:
        return [key for (key,) in connection.execute(query)]


def _assert_nowhere(number: str, folder: Path, log: bytes) -> None:
    assert number.encode() not in log
    for file in folder.iterdir():
        assert number.encode() not in file.read_bytes()


async def test_one_process_per_file(tmp_path: Path) -> None:
    """A second simulator on the same file is refused, since both would make the same decisions."""
    first = Store(tmp_path / "s.sqlite3")
    with pytest.raises(StateInUseError, match="SIMULATOR_STATE"):
        Store(tmp_path / "s.sqlite3")
    first.close()
    Store(tmp_path / "s.sqlite3").close()


@pytest.mark.parametrize("statement", ["DELETE FROM effects", "UPDATE effects SET amount = 1"])
async def test_journal_is_append_only(tmp_path: Path, statement: str) -> None:
    """The database itself refuses to change or delete an effect."""
    store = Store(tmp_path / "s.sqlite3")
    effect = dict.fromkeys(("type", "payment_id", "payment_reference", "operation_key", "currency", "occurred_at"), "x")
    store.insert("effects", {**effect, "amount": 5})
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        store.run(statement)
    store.close()
