"""Commands for an installation, on a real database: the schema, the test merchant, merchants, keys, encryption."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from clearway.accounts.reencryption import KINDS
from clearway.crypto.api_secrets import Peppers
from clearway.crypto.encryption import Cipher
from clearway.db.across_merchants import find_key
from clearway.db.endpoints import secret_context
from clearway.db.seed import RECEIVER_ENDPOINT_ID
from clearway.db.tables import audit_log, webhook_endpoints
from clearway.settings import DEVELOPMENT_PEPPERS, DEVELOPMENT_SECRET_KEYS
from tests.stack.cli.command import Cli
from tests.support.database import Databases
from tests.support.warm_cli import WarmCli

NUMBERS = itertools.count(1)
PEPPERS = Peppers.from_settings(DEVELOPMENT_PEPPERS)
SECRET = "whsec_dGVzdC1lbmRwb2ludC1zZWNyZXQtMDAwMDAwMDAwMDE="


@pytest.fixture
def cli(tmp_path: Path, fresh_database_url: str, warm: WarmCli) -> Cli:
    """Give the command line of an installation with a migrated database."""
    return Cli(tmp_path, warm=warm, DATABASE_URL=fresh_database_url)


@pytest.fixture
async def connection(fresh_database_url: str):
    """Look into that database."""
    engine = create_async_engine(fresh_database_url)
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


@pytest.fixture
async def empty(tmp_path: Path, databases: Databases, warm: WarmCli) -> Cli:
    """Give the command line of an installation whose database has nothing in it."""
    return Cli(tmp_path, warm=warm, DATABASE_URL=await databases.empty(f"cli_empty_{next(NUMBERS)}"))


async def test_migrate_brings_an_empty_database_to_the_newest_schema(empty: Cli) -> None:
    """--check changes nothing, a migration is done once, and a second run does nothing."""
    before = await empty("migrate", "--check", "--json")
    assert (before.code, before.json["current"], before.json["newest"]) == (1, None, False)
    migrated = await empty("migrate", "--json")
    assert (migrated.code, migrated.json["newest"]) == (0, True)
    assert migrated.json["current"] == migrated.json["head"]
    again = await empty("migrate")
    assert (again.code, "newest already" in again.out) == (0, True)
    assert (await empty("migrate", "--check")).code == 0


async def test_processes_that_migrate_at_once_take_turns(empty: Cli) -> None:
    """Several containers that start together all end with the newest schema."""
    outcomes = await asyncio.gather(*(empty("migrate", "--json") for _ in range(3)))
    assert [(outcome.code, outcome.json["newest"]) for outcome in outcomes] == [(0, True)] * 3


async def test_seed_adds_the_test_merchant_once(cli: Cli, connection: AsyncConnection) -> None:
    """The published credentials work after it, and running it again changes nothing."""
    for _ in range(2):
        shown = await cli("seed", "--json")
        assert shown.code == 0
    key = await find_key(connection, shown.json["api_key"])
    assert key is not None
    assert PEPPERS.matches(shown.json["api_secret"], key.secret)


async def test_seed_is_refused_in_production(cli: Cli) -> None:
    """Credentials that everybody knows must not open a real installation."""
    fresh = (await cli("secrets", "--json")).json
    shown = await cli("seed", CLEARWAY_ENV="production", **fresh)
    assert "CLEARWAY_ENV=production" in shown.problem


async def test_a_merchant_comes_with_a_key_that_works_until_it_is_revoked(
    cli: Cli, connection: AsyncConnection
) -> None:
    """A key is rotated by adding one and revoking the other; each step is in the audit log with its operator."""
    first = (await cli("merchants", "add", "Shop", "--operator", "ana", "--json")).json["test"]
    second = (await cli("keys", "add", first["merchant_id"], "--operator", "ana", "--json")).json
    revoked = await cli("keys", "revoke", first["api_key"], "--operator", "ana", "--json")
    assert revoked.json["revoked_at"] is not None

    old, new = [await find_key(connection, made["api_key"]) for made in (first, second)]
    assert old is not None
    assert new is not None
    assert (old.usable, new.usable) == (False, True)
    assert PEPPERS.matches(second["api_secret"], new.secret)
    lines = await connection.execute(select(audit_log.c.actor, audit_log.c.action).order_by(audit_log.c.id))
    actions = [*["merchant.add", "api_key.create"] * 2, "api_key.create", "api_key.revoke"]
    assert [tuple(line) for line in lines] == [("operator:ana", action) for action in actions]


async def test_a_key_has_the_limits_it_was_given(cli: Cli, connection: AsyncConnection) -> None:
    """Permissions, networks and an end, as the operator said; a network that is none is refused."""
    merchant_id = (await cli("merchants", "add", "Shop", "--json")).json["test"]["merchant_id"]
    limits = ["--permission", "payments:read", "--permission", "refunds:write", "--network", "203.0.113.0/24"]
    made = (await cli("keys", "add", merchant_id, "--name", "Desk", *limits, "--expires-in-days", "3", "--json")).json
    assert (made["name"], made["permissions"]) == ("Desk", ["payments:read", "refunds:write"])
    assert made["allowed_networks"] == ["203.0.113.0/24"]
    key = await find_key(connection, made["api_key"])
    assert key is not None
    assert key.grant.expires_at is not None
    assert (await cli("keys", "add", merchant_id, "--network", "nowhere")).code == 2


async def test_a_rotated_key_has_two_valid_secrets_for_the_overlap(cli: Cli, connection: AsyncConnection) -> None:
    """The former secret ends with the overlap; rotated without one, it ends at once."""
    first = (await cli("merchants", "add", "Shop", "--json")).json["test"]
    second = (await cli("keys", "rotate", first["api_key"], "--json")).json
    key = await find_key(connection, first["api_key"])
    assert key is not None
    assert PEPPERS.matches(second["api_secret"], key.secret)
    assert PEPPERS.matches(first["api_secret"], key.previous_secret)

    third = (await cli("keys", "rotate", first["api_key"], "--overlap-s", "0", "--json")).json
    key = await find_key(connection, first["api_key"])
    assert key is not None
    assert PEPPERS.matches(third["api_secret"], key.secret)
    assert key.previous_secret is None


async def test_keys_of_an_old_pepper_are_found(cli: Cli) -> None:
    """Before a pepper is taken away, an operator sees the keys that still hang on it, of all merchants."""
    shop = (await cli("merchants", "add", "Shop", "--json")).json
    both = f"new:pepper,{DEVELOPMENT_PEPPERS}"
    made = (await cli("keys", "add", shop["test"]["merchant_id"], "--json", API_KEY_PEPPERS=both)).json
    old = {shop["test"]["api_key"], shop["live"]["api_key"]}
    assert {key["id"] for key in (await cli("keys", "list", "--pepper", "dev", "--json")).json} == old
    assert {key["id"] for key in (await cli("keys", "list", "--json")).json} == {*old, made["api_key"]}


async def test_keys_are_listed_without_their_secrets(cli: Cli) -> None:
    """A secret is shown when it is made, and never again."""
    made = (await cli("merchants", "add", "Shop", "--json")).json["test"]
    listed = await cli("keys", "list", made["merchant_id"], "--json")
    assert [key["id"] for key in listed.json] == [made["api_key"]]
    assert made["api_secret"] not in listed.out
    merchants = (await cli("merchants", "list", "--json")).json
    assert [(item["name"], item["mode"], item["keys"]) for item in merchants] == [
        ("Shop", "live", 1),
        ("Shop", "test", 1),
    ]


async def test_revoking_twice_keeps_the_first_moment_and_a_wrong_id_is_one_line(cli: Cli) -> None:
    """Revoking a key again changes nothing; an unknown id is one line."""
    made = (await cli("merchants", "add", "Shop", "--json")).json["test"]
    first, second = [(await cli("keys", "revoke", made["api_key"], "--json")).json for _ in range(2)]
    assert first == second
    assert "key_none" in (await cli("keys", "revoke", "key_none")).problem
    assert "mer_none" in (await cli("keys", "add", "mer_none")).problem
    assert "mer_none" in (await cli("keys", "list", "mer_none")).problem


async def test_a_rotation_of_secret_keys_ends_with_the_old_key_gone(cli: Cli, connection: AsyncConnection) -> None:
    """New key first, then `reencrypt`, then remove the old key: endpoint secrets are readable at every point."""
    await cli("seed", "--receiver-url", "http://127.0.0.1:1/hooks", "--receiver-secret", SECRET)
    new = (await cli("secrets", "--json")).json["SECRET_KEYS"]

    lost = await cli("reencrypt", SECRET_KEYS=new)
    assert "Run `clearway reencrypt` again" in lost.problem
    done = await cli("reencrypt", "--json", SECRET_KEYS=f"{new},{DEVELOPMENT_SECRET_KEYS}")
    untouched = {kind.name: 0 for kind in KINDS if kind.name != "endpoint_secrets"}
    assert done.json == {"reencrypted": {"endpoint_secrets": 1, **untouched}}
    again = await cli("reencrypt", "--json", SECRET_KEYS=new)
    assert again.json == {"reencrypted": {"endpoint_secrets": 0, **untouched}}

    token = await connection.scalar(select(webhook_endpoints.c.secret))
    assert token is not None
    assert Cipher.from_settings(new).decrypt(token, secret_context(RECEIVER_ENDPOINT_ID)) == SECRET
