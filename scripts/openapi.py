"""Writes `api/openapi.json`: the contract of the REST API, for clients, generators and reviewers.

`python -m scripts.openapi` writes it; `--check` compares what is committed with the code and changes nothing.
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from itertools import islice
from pathlib import Path
from typing import Final

from api.app import create_app
from clearway.settings import Settings

SNAPSHOT: Final = Path(__file__).parents[1] / "api" / "openapi.json"
LINES_SHOWN_MAX: Final = 40


def render() -> str:
    """Return the document as it is committed: of a development installation, so with the /test routes."""
    document = create_app(Settings(_env_file=None)).openapi()
    # The package's version is in the package; the contract changes when the contract does.
    document["info"]["version"] = "1"
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def check(committed: str, rendered: str) -> int:
    """Say where they differ; 0 when they do not."""
    if committed == rendered:
        return 0
    difference = difflib.unified_diff(committed.splitlines(), rendered.splitlines(), "committed", "code", lineterm="")
    print(*islice(difference, LINES_SHOWN_MAX), sep="\n")
    print(f"{SNAPSHOT.name} is not what the code says: run `python -m scripts.openapi` and review the difference.")
    return 1


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Write or check the OpenAPI document.")
    parser.add_argument("--check", action="store_true", help="compare and change nothing")
    rendered = render()
    if parser.parse_args().check:
        return check(SNAPSHOT.read_text(encoding="utf-8") if SNAPSHOT.exists() else "", rendered)
    SNAPSHOT.write_text(rendered, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
