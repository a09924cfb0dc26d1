"""What live sockets cost: the CPU of one API process that holds a thousand of them, silent and with events flowing.

Each of `MERCHANTS` merchants is open in some tabs. Events are inserted by the bench, so that the API does nothing
but pass them on. The bound: a tenth of a core, with events flowing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import orjson
import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from clearway.dev.ports import HOST
from clearway.domain.ids import EVENT, PAYMENT, new_id
from clearway.domain.roles import Role
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD
from scripts.bench import rows
from scripts.bench.cpu import CpuMeter
from scripts.bench.figures import summary_ms
from scripts.bench.stand import PREFIX, BenchError, Stand

MERCHANTS: Final = 200
AT_ONCE: Final = 10
SETTLE_S: Final = 5.0
SHARE_MAX: Final = 0.1
MEMBERSHIPS: Final = """
INSERT INTO memberships (account_id, user_id, role, created_by)
SELECT account_id, users.id, $2, 'bench' FROM merchants, users WHERE merchants.id = ANY($1) AND users.email = $3
ON CONFLICT DO NOTHING
"""
EVENTS: Final = """
INSERT INTO events (id, merchant_id, type, subject_type, subject_id, payment_id, step, body)
SELECT id, merchant_id, 'payment.success', 'payment', payment_id, payment_id, '1', '{}'
FROM unnest($1::text[], $2::text[], $3::text[]) AS new (id, merchant_id, payment_id)
"""


class Tabs:
    """Open sockets, and when each heard of which event."""

    def __init__(self) -> None:
        self.sockets: list[ClientConnection] = []
        self.made_at: dict[str, float] = {}
        self.took_s: list[float] = []
        self.lost = 0

    async def listen(self, socket: ClientConnection) -> None:
        """Read what comes, to the end."""
        try:
            async for message in socket:
                told = orjson.loads(message)
                if told["type"] == "event" and told["id"] in self.made_at:
                    self.took_s.append(time.perf_counter() - self.made_at[told["id"]])
        except ConnectionClosed:
            self.lost += 1


async def live_sockets(stand: Stand, count: int, seconds: float, events_per_s: float) -> dict[str, Any]:
    """Open `count` sockets; measure the API without them, with them, and with events flowing."""
    merchants = await _merchants(stand)
    pid = stand.stack.process("api").pid
    without = await _share(stand, seconds)
    before = psutil.Process(pid).memory_info().rss
    async with _open(stand, merchants, count) as tabs:
        await asyncio.sleep(SETTLE_S)
        memory = psutil.Process(pid).memory_info().rss - before
        silent = await _share(stand, seconds)
        flowing = asyncio.create_task(_flow(stand, tabs, merchants, events_per_s))
        with_events = await _share(stand, seconds)
        flowing.cancel()
        await asyncio.sleep(1.0)
        heard, lost = len(tabs.took_s), tabs.lost
        if lost or not heard:
            raise BenchError(f"{lost} sockets were lost, {heard} messages were heard")
        return {
            "sockets": count,
            "merchants": len(merchants),
            "seconds": seconds,
            "events_per_s": events_per_s,
            "messages_per_s": round(heard / seconds, 1),
            "cores": {name: round(share, 3) for name, share in _named(without, silent, with_events).items()},
            "heard_after_ms": summary_ms(tabs.took_s),
            "kib_a_socket": round(memory / 1024 / count, 1),
            "within": with_events <= SHARE_MAX,
        }


def _named(without: float, silent: float, with_events: float) -> dict[str, float]:
    return {"without": without, "silent": silent, "with_events": with_events}


async def _share(stand: Stand, seconds: float) -> float:
    """Return the CPU-seconds a second of the API."""
    meter, began = CpuMeter.start({"api": stand.stack.process("api").pid}), time.perf_counter()
    await asyncio.sleep(seconds)
    return meter.used_s()["api"] / (time.perf_counter() - began)


async def _merchants(stand: Stand) -> list[str]:
    """Make merchants, each with the development's owner as a member, and return their ids."""
    async with stand.database() as connection:
        await connection.execute(rows.MERCHANT_ROWS, MERCHANTS)
        ids = await connection.fetch(
            "SELECT id FROM merchants WHERE mode = 'test' AND name LIKE 'Merchant %' ORDER BY id LIMIT $1", MERCHANTS
        )
        found = [row["id"] for row in ids]
        await connection.execute(MEMBERSHIPS, found, Role.VIEWER.value, OWNER_EMAIL)
    return found


@asynccontextmanager
async def _open(stand: Stand, merchants: Sequence[str], count: int) -> AsyncIterator[Tabs]:
    """Open sockets of one person, a few at once; all are closed at the end."""
    origin = stand.stack.dashboard_url
    cookie = await _sign_in(stand, origin)
    port = urlsplit(stand.stack.api_urls()[0]).port
    tabs, few = Tabs(), asyncio.Semaphore(AT_ONCE)

    async def tab(number: int) -> ClientConnection:
        uri = f"ws://{urlsplit(origin).netloc}{PREFIX}/live?merchant_id={merchants[number % len(merchants)]}"
        async with few:
            socket = await connect(
                uri,
                host=HOST,
                port=port,
                origin=origin,  # type: ignore[arg-type]  # a plain text is one
                additional_headers={"Cookie": cookie},
                proxy=None,
                compression=None,
                ping_interval=None,
                open_timeout=60,
            )
            hello = orjson.loads(await socket.recv())
        if hello["type"] != "hello":
            raise BenchError(f"a socket began with {hello}")
        return socket

    async with AsyncExitStack() as exits:
        tabs.sockets = list(await asyncio.gather(*(tab(number) for number in range(count))))
        listening = [asyncio.create_task(tabs.listen(socket)) for socket in tabs.sockets]
        exits.push_async_callback(_close, tabs.sockets, listening)
        yield tabs


async def _close(sockets: Sequence[ClientConnection], listening: Sequence[asyncio.Task[None]]) -> None:
    for task in listening:
        task.cancel()
    await asyncio.gather(*(socket.close() for socket in sockets), return_exceptions=True)


async def _sign_in(stand: Stand, origin: str) -> str:
    """Sign the development's owner in, as the dashboard does, and return the cookie."""
    headers = {"Host": urlsplit(origin).netloc, "Origin": origin, "X-Clearway-Request": "1"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=30) as client:
        body = {"email": OWNER_EMAIL, "password": OWNER_PASSWORD}
        answer = await client.post(f"{stand.stack.api_urls()[0]}{PREFIX}/auth/login", json=body)
    if answer.status_code != HTTPStatus.OK:
        raise BenchError(f"POST /auth/login: {answer.status_code} {answer.text[:300]}")
    return answer.headers["set-cookie"].partition(";")[0]


async def _flow(stand: Stand, tabs: Tabs, merchants: Sequence[str], events_per_s: float) -> None:
    """Insert events of one merchant after the other at this rate, until cancelled."""
    async with stand.database() as connection:
        for number in range(1_000_000):
            event_id = new_id(EVENT)
            tabs.made_at[event_id] = time.perf_counter()
            merchant = merchants[number % len(merchants)]
            await connection.execute(EVENTS, [event_id], [merchant], [new_id(PAYMENT)])
            await asyncio.sleep(1 / events_per_s)
