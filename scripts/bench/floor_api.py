"""The API of the floor with I/O: what every request reads and writes, and the call of Temporal between.

Request `be` (shape, delivery, told): what the payments to come look like, and whether news of them is a signal. Ready:
the port.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from clearway import collector
from clearway.dev.ports import HOST
from clearway.durable.client import connect
from clearway.settings import Settings
from scripts.bench.agents import leave, serve
from scripts.bench.floor_io import Io
from scripts.bench.floor_otherwise import Otherwise
from scripts.bench.floor_starts import AtTemporal


class NewPayment(BaseModel):
    """A payment as it is asked for."""

    order_id: str
    method: str
    vpa: str | None = None


class Payment(NewPayment):
    """A payment as it is answered."""

    id: str


class News(BaseModel):
    """What a gateway tells."""

    id: str


class Api:
    """The two requests that a payment makes of ours, one from its merchant and one from its gateway."""

    def __init__(self, io: Io, starter: AtTemporal | None = None, *, told: bool = False) -> None:
        self.io, self.starter, self.told = io, starter, told

    async def pay(self, asked: NewPayment) -> Payment:
        """Look at the credentials and the order, keep the key, start, keep the answer."""
        assert self.starter is not None
        await self.io.read("credentials")
        await self.io.write(f"key/{asked.order_id}")
        await self.io.read(f"order/{asked.order_id}")
        if not await self.starter.start(asked.order_id):
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE)
        answer = Payment(id=asked.order_id, **asked.model_dump())
        await self.io.write(f"key/{asked.order_id}")
        return answer

    async def hear(self, news: News) -> None:
        """Look at the payment and keep the news; tell the workflow what it does not know."""
        assert self.starter is not None
        await self.io.read(f"payment/{news.id}")
        await self.io.write(f"news/{news.id}")
        if self.told:
            await self.starter.tell(news.id)


async def main() -> None:
    """Serve HTTP, and answer the bench, until it ends."""
    client = await connect(Settings())
    receiver_url = Otherwise.from_environment().receiver_url
    assert receiver_url is not None
    listening = socket.create_server((HOST, 0))
    async with Io.open(receiver_url) as io:
        await io.prepare()
        api, app = Api(io), FastAPI()
        app.post("/payments", status_code=HTTPStatus.CREATED)(api.pay)
        app.post("/news")(api.hear)
        server = uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning"))
        serving = asyncio.create_task(server.serve([listening]))

        async def handle(asked: Mapping[str, Any]) -> None:
            api.starter, api.told = AtTemporal(client, asked["shape"], asked["delivery"]), asked["told"]

        collector.settle()  # as ours
        await serve(handle, ready=listening.getsockname()[1])
        server.should_exit = True
        await serving


if __name__ == "__main__":
    uvloop.run(main())
    leave()
