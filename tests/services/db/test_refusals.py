"""A database that refuses a statement is distinguished from one that is down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import JSON, Text, bindparam, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.refusal import refusal_of

A_TEXT = text("SELECT :value").bindparams(bindparam("value", type_=Text))
SOME_JSON = text("SELECT :value").bindparams(bindparam("value", type_=JSON))


async def failure(engine: AsyncEngine, statement: Any, values: Mapping[str, Any] | None = None) -> SQLAlchemyError:
    """Run a statement that fails and return its error."""
    with pytest.raises(SQLAlchemyError) as raised:
        async with engine.connect() as connection:
            await connection.execute(statement, values or {})
    return raised.value


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        (A_TEXT, "a\x00b"),
        (A_TEXT, "\ud800"),
        (A_TEXT, 5),
        (SOME_JSON, {"a": "\ud800"}),
        (SOME_JSON, {"a": object()}),
        (text("SELECT cast(:value AS integer)"), 2**40),
        (text("SELECT cast(cast(:value AS text) AS integer)"), "no number"),
    ],
)
async def test_a_value_that_cannot_be_stored_is_refused_for_good(
    engine: AsyncEngine, statement: Any, value: object
) -> None:
    """Whether the driver or the server says so; and the reason holds nothing of the value."""
    reason = refusal_of(await failure(engine, statement, {"value": value}))
    assert reason is not None
    assert "no number" not in reason
    reason.encode()


async def test_a_constraint_refuses_for_good(engine: AsyncEngine) -> None:
    """A broken constraint is a refusal, and is named."""
    insert = text("INSERT INTO accounts (id, name) VALUES ('acc_1', NULL)")
    assert refusal_of(await failure(engine, insert)) == "SQLSTATE 23502"
    columns, values = "id, merchant_id, name, secret_hash, pepper_id, created_by", "'key_1', 'mer_none', '', '', '', ''"
    unknown = text(f"INSERT INTO api_keys ({columns}) VALUES ({values})")  # noqa: S608 - fixed words
    assert "fk_api_keys_merchant_id" in str(refusal_of(await failure(engine, unknown)))


async def test_a_trigger_refuses_for_good(engine: AsyncEngine) -> None:
    """What a guard raises without a code of its own is a refusal too."""
    raising = text("DO $$ BEGIN RAISE EXCEPTION 'no'; END $$")
    assert refusal_of(await failure(engine, raising)) == "SQLSTATE P0001"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'query_canceled'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'deadlock_detected'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'serialization_failure'; END $$",
        "SELECT * FROM a_table_of_the_next_migration",
    ],
)
async def test_trouble_that_passes_is_no_refusal(engine: AsyncEngine, statement: str) -> None:
    """A lost connection, a timeout, a deadlock or a migration under way: the statement may succeed later."""
    assert refusal_of(await failure(engine, text(statement))) is None
