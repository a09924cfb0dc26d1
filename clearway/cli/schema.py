"""What commands do to the database itself: its schema, by Alembic, and the test merchant.

It runs the migrations of this version of the code; what they contain is theirs.
"""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError as AlembicError
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

import clearway
from clearway.cli.problems import CommandError
from clearway.cli.running import settings_in_use
from clearway.cli.transaction import explained, in_transaction
from clearway.crypto.encryption import KeyConfigurationError
from clearway.db import seed as seeding
from clearway.db.engine import create_engine
from clearway.db.roles import RoleMissingError, grant

ROOT: Final = Path(clearway.__file__).parents[1]
"""The checkout, or the folder of installed packages: `alembic.ini` lies beside the packages in both."""


@dataclass(frozen=True)
class Revisions:
    """Which schema the database has, and which one this code needs."""

    current: str | None
    head: str

    @property
    def newest(self) -> bool:
        """Whether there is nothing to migrate."""
        return self.current == self.head


def revisions() -> Revisions:
    """Return what the database has and what it needs. Raises CommandError."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "there are migrations"
    return Revisions(in_transaction(lambda connection: connection.run_sync(_current)), head)


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def upgrade() -> None:
    """Run every migration that is missing, then grant the application's role what it needs. Raises CommandError."""
    try:
        with explained():
            command.upgrade(_config(), "head")
            asyncio.run(_grant())
    except RoleMissingError as error:
        raise CommandError(str(error)) from None
    except AlembicError as error:
        message = f"The migrations can't be run: {error}. Is this code older than the database's schema?"
        raise CommandError(message) from None


async def _grant() -> None:
    settings = settings_in_use()
    owner = settings.model_copy(update={"database_url": _owner_url()})
    engine = create_engine(owner, application_name="clearway-migrate")
    try:
        async with engine.begin() as connection:
            await grant(connection, make_url(settings.database_url).username or "")
    finally:
        await engine.dispose()


def _owner_url() -> str:
    settings = settings_in_use()
    return settings.migrations_database_url or settings.database_url


def seed(receiver_url: str | None, receiver_secret: str | None) -> dict[str, str]:
    """Add the test merchant and return its credentials. Raises CommandError."""
    try:
        with explained():
            asyncio.run(seeding.seed(settings_in_use(), receiver_url=receiver_url, receiver_secret=receiver_secret))
    except (seeding.SeedRefusedError, KeyConfigurationError) as refusal:
        raise CommandError(str(refusal)) from None
    merchant = seeding.TEST_MERCHANT
    return {"merchant_id": merchant.merchant_id, "api_key": merchant.api_key, "api_secret": merchant.api_secret}


def _config() -> Config:
    config = Config(str(ROOT / "alembic.ini"), stdout=io.StringIO())
    config.attributes["database_url"] = _owner_url()
    return config
