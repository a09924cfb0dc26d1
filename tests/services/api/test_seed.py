"""Seeding: the merchants of development and tests."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from clearway.crypto.encryption import Cipher
from clearway.db import across_merchants, seed
from clearway.db.endpoints import secret_context
from clearway.db.engine import create_engine
from clearway.db.tables import webhook_endpoints
from clearway.domain.ids import ENDPOINT, MERCHANT, is_id
from clearway.settings import TEST_API_KEY, Settings
from tests.services.api.conftest import changed

SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"


def test_seeded_ids_have_the_form_of_ids() -> None:
    """Seeded ids pass the same checks as generated ids."""
    assert is_id(MERCHANT, seed.TEST_MERCHANT_ID)
    assert is_id(ENDPOINT, seed.RECEIVER_ENDPOINT_ID)


async def test_seeding_twice_is_seeding_once(fresh_database_url: str, settings: Settings) -> None:
    """The command may run at every start; the endpoint follows the address it is given last."""
    own = changed(settings, database_url=fresh_database_url)
    for port in (4000, 4001):
        await seed.seed(own, receiver_url=f"http://127.0.0.1:{port}/webhooks", receiver_secret=SECRET)
    engine = create_engine(own, application_name="tests")
    async with engine.connect() as connection:
        key = await across_merchants.find_key(connection, TEST_API_KEY)
        [endpoint] = (await connection.execute(select(webhook_endpoints))).all()
    await engine.dispose()
    assert key is not None
    assert key.merchant_id == seed.TEST_MERCHANT_ID
    assert endpoint.url == "http://127.0.0.1:4001/webhooks"
    cipher = Cipher.from_settings(own.secret_keys.get_secret_value())
    assert cipher.decrypt(endpoint.secret, secret_context(endpoint.id)) == SECRET
    assert SECRET not in endpoint.secret


async def test_it_refuses_in_production(engine: AsyncEngine, settings: Settings) -> None:
    """Published credentials never open a production installation."""
    secrets = {"secret_keys": "k:" + "A" * 43 + "=", "api_key_peppers": "p:p", "simulator_webhook_secret": "s"}
    production = changed(settings, clearway_env="production", **secrets)
    async with engine.begin() as connection:
        with pytest.raises(seed.SeedRefusedError, match="CLEARWAY_ENV=production"):
            await seed.seed_merchant(connection, production, seed.TEST_MERCHANT)
