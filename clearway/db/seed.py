"""Seed the merchants of development and tests, with published credentials: `python -m clearway.db.seed`.

Running it again changes nothing. It refuses to run in production, where published credentials must not exist.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.crypto.api_secrets import Peppers
from clearway.crypto.encryption import Cipher
from clearway.crypto.passwords import Passwords
from clearway.db import audit, merchants
from clearway.db.endpoints import secret_context
from clearway.db.engine import create_engine
from clearway.db.merchants import NewAccount
from clearway.db.tables import webhook_endpoints
from clearway.db.users import users
from clearway.db.users.users import NewUser
from clearway.domain.actor import SYSTEM, Actor
from clearway.domain.endpoint import EndpointStatus
from clearway.domain.ids import ACCOUNT, USER, new_id
from clearway.domain.roles import Role
from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD, TEST_API_KEY, TEST_API_SECRET, Settings

TEST_MERCHANT_ID: Final = "mer_0000000000000000000000test"
TEST_MERCHANT_NAME: Final = "Test Merchant"
OWNER_NAME: Final = "Olivia Owner"
RECEIVER_ENDPOINT_ID: Final = "whe_00000000000000000000rece1v"


class SeedRefusedError(Exception):
    """Published credentials must not be made here."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A test merchant to seed as one side of an account, with the key and secret to use."""

    merchant_id: str
    name: str
    api_key: str
    api_secret: str

    @property
    def account_id(self) -> str:
        """The account of the merchant, which has a live merchant too: that one gets no key here."""
        return f"{ACCOUNT}_{self.merchant_id.partition('_')[2]}"


TEST_MERCHANT: Final = Credentials(TEST_MERCHANT_ID, TEST_MERCHANT_NAME, TEST_API_KEY, TEST_API_SECRET)


async def seed_merchant(connection: AsyncConnection, settings: Settings, credentials: Credentials) -> None:
    """Add an account with a test merchant and its key, unless they are there. Raises SeedRefusedError in production."""
    if settings.is_production:
        message = "CLEARWAY_ENV=production: the test merchant's credentials are published, so it is not created."
        raise SeedRefusedError(message)
    account = NewAccount(credentials.name, id=credentials.account_id, test_id=credentials.merchant_id)
    added = await merchants.add_account(connection, account)
    await seed_key(connection, settings, credentials)
    if added:
        actor = Actor(SYSTEM, credentials.merchant_id)
        await audit.record(connection, actor, "merchant.seed", credentials.merchant_id)


async def seed_key(connection: AsyncConnection, settings: Settings, credentials: Credentials) -> None:
    """Give a merchant this API key."""
    peppers = Peppers.from_settings(settings.api_key_peppers.get_secret_value())
    await merchants.put_key(
        connection,
        key_id=credentials.api_key,
        merchant_id=credentials.merchant_id,
        name=credentials.name,
        secret=peppers.hash(credentials.api_secret),
        created_by=SYSTEM,
    )


async def seed_owner(connection: AsyncConnection, credentials: Credentials) -> None:
    """Add the person who owns the account of a seeded merchant, with a published password, unless they are there."""
    found = await users.find_by_email(connection, OWNER_EMAIL)
    user_id = new_id(USER) if found is None else str(found.id)
    if found is None:
        password_hash = await Passwords().hash(OWNER_PASSWORD)
        await users.add(connection, NewUser(user_id, OWNER_EMAIL, OWNER_NAME, password_hash), datetime.now(UTC))
        await audit.record(connection, Actor(SYSTEM, None), "user.seed", user_id)
    await users.join(connection, credentials.account_id, user_id, Role.OWNER, SYSTEM)


async def seed_receiver(connection: AsyncConnection, settings: Settings, url: str, secret: str) -> None:
    """Point the test merchant's webhook endpoint at `url`, with a secret the receiver knows."""
    cipher = Cipher.from_settings(settings.secret_keys.get_secret_value())
    sealed = cipher.encrypt(secret, secret_context(RECEIVER_ENDPOINT_ID))
    statement = insert(webhook_endpoints).values(
        id=RECEIVER_ENDPOINT_ID,
        merchant_id=TEST_MERCHANT_ID,
        url=url,
        description="The sample merchant",
        event_types=[],
        secret=sealed,
    )
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_={
                "url": url,
                "secret": sealed,
                "status": EndpointStatus.ENABLED.value,
                "disabled_reason": None,
                "deleted_at": None,
                "updated_at": func.now(),
            },
        )
    )


async def seed(settings: Settings, *, receiver_url: str | None = None, receiver_secret: str | None = None) -> None:
    """Seed the test merchant and, when its address is given, the receiver of its webhooks."""
    engine = create_engine(settings, application_name="clearway-seed")
    try:
        async with engine.begin() as connection:
            await seed_merchant(connection, settings, TEST_MERCHANT)
            if receiver_url is not None and receiver_secret is not None:
                await seed_receiver(connection, settings, receiver_url, receiver_secret)
            await seed_owner(connection, TEST_MERCHANT)
    finally:
        await engine.dispose()


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is 1 when it refuses."""
    parser = argparse.ArgumentParser(prog="python -m clearway.db.seed", description="Seed the test merchant.")
    parser.add_argument("--receiver-url", help="where the test merchant's webhooks go")
    parser.add_argument("--receiver-secret", help="the secret (whsec_…) that signs them")
    given = parser.parse_args(arguments)
    if (given.receiver_url is None) != (given.receiver_secret is None):
        parser.error("--receiver-url and --receiver-secret go together")
    try:
        asyncio.run(seed(Settings(), receiver_url=given.receiver_url, receiver_secret=given.receiver_secret))
    except SeedRefusedError as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    sys.stdout.write(f"Test merchant {TEST_MERCHANT_ID}: {TEST_API_KEY} / {TEST_API_SECRET}\n")
    sys.stdout.write(f"Its owner: {OWNER_EMAIL} / {OWNER_PASSWORD}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
