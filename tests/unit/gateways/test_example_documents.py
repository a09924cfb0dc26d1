"""The documents of `deploy/gateways`: each is safe, and does in every recorded example what it says."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from clearway.gateways.custom import checks, proving
from clearway.gateways.custom.kind import document_of

FOLDER = Path(__file__).parents[3] / "deploy" / "gateways"
NAMES = ("telcell", "idram", "fastshift", "ameriabank", "arca")


def read(name: str) -> dict[str, Any]:
    """Return an example document, as JSON."""
    content: dict[str, Any] = orjson.loads((FOLDER / f"{name}.json").read_bytes())
    return content


async def problems(content: dict[str, Any]) -> list[str]:
    """Return what is wrong with a document, its examples included."""
    document = document_of(orjson.dumps(content))
    return checks.problems_of(document) or await proving.failures(document)


def test_every_document_is_here() -> None:
    """A document that is added to the folder is tested and has a page in docs/gateways."""
    assert {path.stem for path in FOLDER.glob("*.json")} == set(NAMES)
    pages = {path.stem for path in (FOLDER.parents[1] / "docs" / "gateways").glob("*.md")}
    assert set(NAMES) <= pages


@pytest.mark.parametrize("name", NAMES)
async def test_the_document_is_sound(name: str) -> None:
    """Nothing is wrong with it, and each example becomes what it says."""
    assert await problems(read(name)) == []


def _settled_by_a_hint(document: dict[str, Any]) -> None:
    document["callbacks"][0]["trust"] = "proven"


def _other_secret_place(document: dict[str, Any]) -> None:
    document["signatures"]["confirmation"]["parts"].reverse()


def _decline_by_default(document: dict[str, Any]) -> None:
    document["look_ups"]["authorise"]["answer"]["cases"].append({"outcome": "declined"})


def _amount_as_whole(document: dict[str, Any]) -> None:
    document["amount"] = {"format": "major_int"}


def _case_of_the_paid_lost(document: dict[str, Any]) -> None:
    del document["callbacks"][0]["cases"][0]


@pytest.mark.parametrize(
    ("name", "break_it"),
    [
        ("fastshift", _settled_by_a_hint),
        ("idram", _other_secret_place),
        ("ameriabank", _decline_by_default),
        ("arca", _decline_by_default),
        ("idram", _amount_as_whole),
        ("telcell", _case_of_the_paid_lost),
    ],
)
async def test_a_broken_document_is_found(name: str, break_it: Callable[[dict[str, Any]], None]) -> None:
    """A changed recipe, amount, case or trust is found by the checks or the examples."""
    content = copy.deepcopy(read(name))
    break_it(content)
    assert await problems(content) != []
