"""Writes `schemas/custom_gateway.json`: the JSON Schema of the documents that describe custom gateways.

`python -m scripts.custom_gateway_schema` writes it; `--check` compares what is committed with the code.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from clearway.gateways.custom.language.document import Document

FILE: Final = Path(__file__).parents[1] / "schemas" / "custom_gateway.json"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_text() -> str:
    """Return the file's content."""
    shape = {"$schema": DIALECT} | Document.model_json_schema()
    return json.dumps(shape, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write or compare the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and change nothing")
    if not parser.parse_args().check:
        FILE.write_text(schema_text(), encoding="utf-8")
        return 0
    if FILE.read_text(encoding="utf-8") != schema_text():
        print(f"{FILE.name} is not that of the code: run python -m scripts.custom_gateway_schema")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
