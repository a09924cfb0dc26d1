"""The catalogue of events over the API: every type with its meaning, and one with its schema and an example."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from clearway.domain.events import EventType
from scripts.event_schemas import FOLDER
from tests.services.api.conftest import Caller


async def test_every_type_is_listed_with_its_meaning(caller: Caller) -> None:
    """The list has each event type once, with a sentence."""
    listed = (await caller.http.get("/event_types")).raise_for_status().json()["data"]
    assert [each["type"] for each in listed] == [each.value for each in EventType]
    assert all(len(each["description"]) > 20 for each in listed)


async def test_one_type_shows_the_committed_schema(caller: Caller) -> None:
    """The schema is that of `schemas/events`, and the example meets it."""
    shown = (await caller.http.get("/event_types/refund.failed")).raise_for_status().json()
    assert shown["body_schema"] == json.loads((FOLDER / "refund.failed.json").read_text(encoding="utf-8"))
    Draft202012Validator(shown["body_schema"]).validate(shown["example"])
    assert (await caller.http.get("/event_types/payment.lost")).status_code == 422
