"""What a configuration declares is computed once for each version of its row."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from clearway.domain.gateway import GatewayConfig, GatewayKind
from clearway.domain.merchant import Mode
from clearway.gateways.declared import capabilities_of, polling_of

EXAMPLE = Path(__file__).parents[3] / "deploy" / "gateways" / "telcell.json"


def settings_of(polling: list[int], methods: list[str]) -> dict[str, Any]:
    """Return the settings of a custom gateway that is asked at these intervals and takes these methods."""
    document = orjson.loads(EXAMPLE.read_bytes())
    document["polling"] = polling
    document["abilities"]["methods"] = methods
    return {"document": document}


def test_a_version_of_a_row_is_read_once_and_a_change_is_seen() -> None:
    """The row is read from the database again and again; its document is interpreted once for each version."""
    first = settings_of([10, 60], ["wallet"])
    row = GatewayConfig("gw_declared", "mer_1", Mode.TEST, GatewayKind.CUSTOM, "One", True, 100, first, (), 1)
    same = replace(row, settings=deepcopy(first))
    changed = replace(row, settings=settings_of([30], ["wallet", "upi"]), version=2)

    assert capabilities_of(same) is capabilities_of(row)
    assert polling_of(same) is polling_of(row)
    assert (polling_of(row), polling_of(changed)) == ((10, 60), (30,))
    assert (capabilities_of(row).methods, capabilities_of(changed).methods) == ({"wallet"}, {"wallet", "upi"})
