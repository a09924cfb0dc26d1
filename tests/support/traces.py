"""Where personal data may be left behind: everything that Temporal keeps of workflows, and every row there is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client

MARKERS: Final[Mapping[str, str]] = {
    "vpa": "planted.vpa@upihandle",
    "customer id": "planted-customer-4711",
    "name": "Planted Name",
    "e-mail": "planted.mail@person.example",
    "phone": "+4915112345678",
    "note": "planted note about a person",
    "name of a note": "planted_note_name",
    "return URL": "https://planted-shop.example/back?person=planted",
    "note of an order": "planted note of an order",
    "network address": "203.0.113.77",
}
"""What a test plants: each in one place alone, and in no other test."""


def payment_fields() -> dict[str, Any]:
    """Return the fields of a payment's request that hold the markers."""
    return {
        "method": "upi",
        "vpa": MARKERS["vpa"],
        "customer": {
            "id": MARKERS["customer id"],
            "name": MARKERS["name"],
            "email": MARKERS["e-mail"],
            "phone": MARKERS["phone"],
        },
        "notes": {MARKERS["name of a note"]: MARKERS["note"]},
        "return_url": MARKERS["return URL"],
    }


def found_in(*texts: bytes | str) -> list[str]:
    """Return which markers stand in clear in any of these."""
    all_of_it = b"\n".join(text.encode() if isinstance(text, str) else text for text in texts)
    return [name for name, marker in MARKERS.items() if marker.encode() in all_of_it]


async def kept_by_temporal(client: Client, workflow_ids: Iterable[str]) -> dict[str, bytes]:
    """Return all that Temporal has of these workflows: histories, memo, search attributes, summaries and details.

    A history in its binary form has the payloads as they are: JSON.
    """
    kept = {}
    for workflow_id in workflow_ids:
        handle = client.get_workflow_handle(workflow_id)
        described = await handle.describe()
        parts = [described.raw_description.SerializeToString()]
        parts += [event.SerializeToString() async for event in handle.fetch_history_events()]
        details: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
        parts.append(details.SerializeToString())
        kept[workflow_id] = b"\n".join(parts)
    return kept


async def rows_of(engine: AsyncEngine, table: Table, *, about: Sequence[str] = ()) -> bytes:
    """Return every row of a table as text that can be searched; about: only those with one of these ids in them."""
    async with engine.connect() as connection:
        rows = [b"\n".join(_searchable(value) for value in row) for row in await connection.execute(select(table))]
    return b"\n".join(row for row in rows if not about or any(each.encode() in row for each in about))


def _searchable(value: Any) -> bytes:
    if isinstance(value, str | bytes):
        return value.encode() if isinstance(value, str) else value
    return orjson.dumps(value, default=str)
