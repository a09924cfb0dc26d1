"""The examiner itself: it finds a fault that was planted where only a chain of calls leads."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from tests.fire.fuzz.contract import Report, examine
from tests.services.gateways.running import free_listener, serving

FIRST_ID: Final = 7_000_000
EXAMPLES: Final = 1
READ: Final = "GET /things/{thing_id}"
FAULT: Final = HTTPStatus.INTERNAL_SERVER_ERROR


class Thing(BaseModel):
    """What the shop of this test has."""

    id: int


def shop(*, is_sound: bool) -> FastAPI:
    """Make an API whose things can be read by the id that creating them returned; by nobody when it is not sound."""
    app = FastAPI()
    made: set[int] = set()

    @app.post("/things", status_code=HTTPStatus.CREATED, operation_id="make")
    async def make() -> Thing:
        thing = Thing(id=FIRST_ID + len(made))
        made.add(thing.id)
        return thing

    @app.get("/things/{thing_id}", operation_id="read", responses={404: {"description": "No such thing"}})
    async def read(thing_id: int) -> Thing:
        if thing_id not in made:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        if not is_sound:
            raise HTTPException(FAULT)
        return Thing(id=thing_id)

    return app


def linked(app: FastAPI) -> dict[str, Any]:
    """Return the document, with the link from a thing that was made to reading it."""
    document = app.openapi()
    made = document["paths"]["/things"]["post"]["responses"]["201"]
    made["links"] = {"read": {"operationId": "read", "parameters": {"thing_id": "$response.body#/id"}}}
    return document


async def examined(*, is_sound: bool) -> Report:
    """Examine the shop."""
    app = shop(is_sound=is_sound)
    listener, url = free_listener()
    async with serving(app, listener):
        return await asyncio.to_thread(examine, linked(app), url, {}, examples=EXAMPLES, seed=1)


async def test_a_fault_at_the_end_of_a_chain_is_found() -> None:
    """An id that another call returned leads to the 500, and the chains follow it."""
    report = await examined(is_sound=False)
    assert "not_a_server_error" in {finding.check for finding in report.findings}
    assert FAULT in report.answered("stateful", READ)


async def test_a_sound_api_is_found_sound() -> None:
    """Without the fault, the same chain ends and no server error is reported."""
    report = await examined(is_sound=True)
    assert HTTPStatus.OK in report.answered("stateful", READ)
    assert "not_a_server_error" not in {finding.check for finding in report.findings}
