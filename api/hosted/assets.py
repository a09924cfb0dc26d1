"""The checkout's own style sheet and scripts: each at an address with its digest, and with the hash for browsers.

They lie in `web/checkout`; an installation has them beside this module.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

_INSTALLED: Final = Path(__file__).parent / "web"
WEB: Final = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[2] / "web" / "checkout"
TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
DIGEST_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. integrity: for the attribute of that name (Subresource Integrity)."""

    path: str
    content: bytes
    media_type: str
    integrity: str


class Assets:
    """All files, by name and by address."""

    def __init__(self, named: Mapping[str, Asset]) -> None:
        self._named = dict(named)
        self._by_path = {asset.path: asset for asset in named.values()}

    @classmethod
    def read(cls, folder: Path = WEB) -> Self:
        """Read `styles/` and `script/`."""
        files = sorted(path for part in ("styles", "script") for path in (folder / part).rglob("*") if path.is_file())
        return cls({path.relative_to(folder).as_posix(): _asset(path) for path in files})

    def __getitem__(self, name: str) -> Asset:
        return self._named[name]

    def at(self, path: str) -> Asset | None:
        """Return the file at this address, or None."""
        return self._by_path.get(path)


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:DIGEST_LENGTH]
    integrity = "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()
    return Asset(f"/assets/{digest}/{path.name}", content, TYPES[path.suffix], integrity)
