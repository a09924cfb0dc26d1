"""The compose project as the tests read it: the file, with the variables of an environment filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[3]
FILE: Final = ROOT / "docker-compose.yml"
VARIABLE: Final = re.compile(r"\$\{(?P<name>[A-Z_]+)(?:(?P<kind>:-|-|:\?)(?P<rest>[^}]*))?\}")
OURS: Final = "clearway:"


class MissingVariableError(Exception):
    """A variable that has no default is not set; compose would say so and start nothing."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service, as it stands in the file after interpolation."""

    name: str
    definition: Mapping[str, Any]

    @property
    def is_ours(self) -> bool:
        """Whether it runs the image that is built here."""
        return str(self.definition["image"]).startswith(OURS)

    @property
    def environment(self) -> dict[str, str]:
        """Its variables, as text."""
        return {name: str(value) for name, value in self.definition.get("environment", {}).items()}

    @property
    def command(self) -> list[str]:
        """What it runs, without the image's entry point."""
        return [str(word) for word in self.definition.get("command", [])]

    @property
    def depends_on(self) -> dict[str, str]:
        """The condition under which it starts, by service."""
        return {name: waits["condition"] for name, waits in self.definition.get("depends_on", {}).items()}

    @property
    def is_one_shot(self) -> bool:
        """Whether it ends when its work is done."""
        return str(self.definition["restart"]).startswith("on-failure")


@cache
def raw() -> dict[str, Any]:
    """Return the file as YAML reads it, anchors and merges resolved, variables not."""
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded


def variables(value: Any) -> Iterator[re.Match[str]]:
    """Yield every use of a variable in a part of the file."""
    if isinstance(value, str):
        yield from VARIABLE.finditer(value)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from variables(part)
    elif isinstance(value, list):
        for part in value:
            yield from variables(part)


def filled_in(value: Any, environment: Mapping[str, str]) -> Any:
    """Return a part of the file with its variables filled in. Raises MissingVariableError."""
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: _value(found, environment), value)
    if isinstance(value, Mapping):
        return {key: filled_in(part, environment) for key, part in value.items()}
    if isinstance(value, list):
        return [filled_in(part, environment) for part in value]
    return value


def _value(found: re.Match[str], environment: Mapping[str, str]) -> str:
    given = environment.get(found["name"], "")
    if given or found["kind"] is None or (found["kind"] == "-" and found["name"] in environment):
        return given
    if found["kind"] == ":?":
        raise MissingVariableError(found["name"])
    return found["rest"]


def services(environment: Mapping[str, str]) -> list[Service]:
    """Return every service of the file in an environment."""
    return [Service(name, filled_in(definition, environment)) for name, definition in sorted(raw()["services"].items())]


def env_file(name: str) -> dict[str, str]:
    """Return the variables of a file in `deploy/`."""
    lines = (ROOT / "deploy" / name).read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=")[::2] for line in lines if line and not line.startswith("#"))
    return dict(pairs)


def demonstration() -> list[Service]:
    """Return the services as the demonstration runs them."""
    return services(env_file("demo.env"))
