"""Fixtures of the database tests: a merchant on the shared database, and one on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.db.engine import create_engine
from clearway.settings import Settings
from tests.support.shop import Shop

CROWD = 20


@pytest.fixture
async def shop(engine: AsyncEngine) -> Shop:
    """Open a merchant's shop."""
    return await Shop.open(engine)


@pytest.fixture
async def crowded(settings: Settings) -> AsyncIterator[Shop]:
    """Open a shop with a connection for each of `CROWD` customers, so that they really race."""
    engine = create_engine(settings.model_copy(update={"database_pool_size": CROWD}), application_name="crowd")
    try:
        yield await Shop.open(engine)
    finally:
        await engine.dispose()


@pytest.fixture
async def lone(settings: Settings, fresh_database_url: str) -> AsyncIterator[Shop]:
    """Open a shop on a database that no other test sees."""
    engine = create_engine(settings.model_copy(update={"database_url": fresh_database_url}), application_name="lone")
    try:
        yield await Shop.open(engine)
    finally:
        await engine.dispose()
