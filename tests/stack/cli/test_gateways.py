"""What a merchant does with `clearway gateways`: connect, test, export, import and delete gateways."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.stack.cli.command import Cli

pytestmark = pytest.mark.stack

SECRET = "whsec_YS1zZWNyZXQtb2YtdGhlLWNvbW1hbmQtbGluZSE="


@pytest.fixture
async def gateway_id(at_stack: Cli, tmp_path: Path) -> str:
    """Connect a gateway with credentials from a file."""
    given = tmp_path / "credentials.json"
    given.write_text(json.dumps({"webhook_secret": SECRET}))
    options = ("--name", tmp_path.name, "--credentials", str(given), "--no-test", "--json")
    made = await at_stack("gateways", "create", "simulator", *options)
    assert made.code == 0, made
    assert made.json["credentials"] == {"webhook_secret": "****ZSE="}
    return str(made.json["id"])


async def test_a_gateway_is_tried_changed_and_deleted(at_stack: Cli, gateway_id: str) -> None:
    """Each command does what its name says."""
    assert "accepted the credentials" in (await at_stack("gateways", "test", gateway_id)).out
    renamed = await at_stack("gateways", "update", gateway_id, "--name", "Renamed", "--priority", "900", "--json")
    assert (renamed.json["name"], renamed.json["priority"]) == ("Renamed", 900)
    assert "is used for upi, card." in (await at_stack("gateways", "methods", gateway_id, "card", "upi")).out
    assert "is used for upi, card, netbanking, wallet." in (await at_stack("gateways", "methods", gateway_id)).out
    assert not (await at_stack("gateways", "disable", gateway_id, "--json")).json["enabled"]
    assert (await at_stack("gateways", "enable", gateway_id)).out == f"{gateway_id} is enabled.\n"
    assert (await at_stack("gateways", "show", gateway_id, "--json")).json["enabled"]
    deleted = await at_stack("gateways", "delete", gateway_id, "--yes", "--json")
    assert deleted.json == {"id": gateway_id, "deleted": True}
    assert "gateway_not_found" in (await at_stack("gateways", "show", gateway_id)).problem


async def test_gateways_are_carried_over_in_a_sealed_file(at_stack: Cli, gateway_id: str, tmp_path: Path) -> None:
    """An export holds no credential in clear; an import with its passphrase finds the gateways again."""
    file, passphrase = tmp_path / "gateways.json", "correct horse battery staple"
    assert (await at_stack("gateways", "export", str(file), "--passphrase", passphrase)).code == 0
    assert SECRET not in file.read_text()
    imported = await at_stack("gateways", "import", str(file), "--passphrase", passphrase)
    assert gateway_id in imported.out
    again = await at_stack("gateways", "import", str(file), "--passphrase", passphrase, "--json")
    assert gateway_id in {one["id"] for one in again.json}
    wrong = await at_stack("gateways", "import", str(file), "--passphrase", "another passphrase")
    assert "gateway_import_invalid" in wrong.problem
    assert "A gateway is connected and enabled." in (await at_stack("gateways", "checklist")).out
