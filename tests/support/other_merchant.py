"""A second merchant, for tests that one merchant cannot reach another's resources."""

from __future__ import annotations

from typing import Final

from clearway.db.engine import create_engine
from clearway.db.seed import Credentials, seed_merchant
from clearway.settings import Settings

OTHER_MERCHANT: Final = Credentials(
    "mer_000000000000000000000ther2", "Other Merchant", "key_test_other456", "secret_test_other456"
)


async def add_other_merchant(database_url: str) -> None:
    """Add the merchant to a stack's database, unless it is there."""
    settings = Settings(_env_file=None, database_url=database_url)
    engine = create_engine(settings, application_name="tests-other-merchant")
    async with engine.begin() as connection:
        await seed_merchant(connection, settings, OTHER_MERCHANT)
    await engine.dispose()
