"""What a merchant does with `clearway gateways`: connect, try, carry over and delete gateways."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.stack.cli.command import Cli

pytestmark = pytest.mark.stack

SECRET = "whsec_YS1zZWNyZXQtb2YtdGhlLWNvbW1hbmQtbGluZSE="


async def test_a_gateway_is_connected_tried_carried_over_and_deleted(at_stack: Cli, tmp_path: Path) -> None:
    """Credentials come from a file and are shown by their ends; an export is sealed, and imports what it holds."""
    given, file = tmp_path / "credentials.json", tmp_path / "gateways.json"
    given.write_text(json.dumps({"webhook_secret": SECRET}))
    made = await at_stack("gateways", "create", "simulator", "--name", "By hand", "--credentials", str(given), "--json")
    assert made.code == 0, made
    gateway_id = made.json["id"]
    assert made.json["credentials"] == {"webhook_secret": "****ZSE="}
    assert "accepted the credentials" in (await at_stack("gateways", "test", gateway_id)).out
    assert gateway_id in (await at_stack("gateways", "list")).out

    passphrase = ("--passphrase", "correct horse battery staple")
    assert (await at_stack("gateways", "export", str(file), *passphrase)).code == 0
    assert SECRET not in file.read_text()
    assert "By hand" in (await at_stack("gateways", "import", str(file), *passphrase)).out
    wrong = await at_stack("gateways", "import", str(file), "--passphrase", "another passphrase")
    assert "gateway_import_invalid" in wrong.problem

    renamed = await at_stack("gateways", "update", gateway_id, "--name", "Renamed", "--priority", "900", "--json")
    assert (renamed.json["name"], renamed.json["priority"]) == ("Renamed", 900)
    assert (await at_stack("gateways", "disable", gateway_id)).code == 0
    assert (await at_stack("gateways", "show", gateway_id)).json["enabled"] is False
    assert "A gateway is connected and enabled." in (await at_stack("gateways", "checklist")).out
    assert (await at_stack("gateways", "delete", gateway_id, "--yes")).code == 0
    assert "gateway_not_found" in (await at_stack("gateways", "show", gateway_id)).problem
