"""Puts the built dashboard into the wheel: hatchling runs this hook before it collects the files.

Node comes from the path, or as a wheel that the hook asks for. An editable installation builds nothing: `clearway dev`
does.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class DashboardHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds `web/dashboard` into `api/dashboard/static`."""

    def dependencies(self) -> list[str]:
        """Return Node as a wheel where it is needed and is not on the path."""
        builder = self._builder()
        return [] if builder is None or builder.is_current() or builder.find_node() else [builder.NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - the hook's signature
        """Build, unless the installation is editable or the sources are not here (an sdist has the built assets)."""
        builder = self._builder()
        if version != "editable" and builder is not None:
            builder.build()

    def _builder(self) -> ModuleType | None:
        path = Path(self.root) / "web" / "dashboard" / "build.py"
        if not path.is_file():
            return None
        spec = importlib.util.spec_from_file_location("dashboard_build", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
