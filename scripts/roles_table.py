"""Writes the tables of `docs/roles.md` from the roles and permissions, so that the page matches the program.

`python -m scripts.roles_table` writes them; `--check` compares and changes nothing. The text around stays.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from clearway.domain.permissions import MEANING, Permission
from clearway.domain.roles import IN_TEST_MODE, OPERATOR, ROLE_MEANING, ROLES, Role

DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "roles.md"
BEGIN: Final = "<!-- begin: python -m scripts.roles_table -->\n"
END: Final = "<!-- end -->\n"


def tables() -> str:
    """Return both tables: what each role is for, and which permissions it has."""
    roles = "".join(f"| `{role.value}` | {meaning} |\n" for role, meaning in ROLE_MEANING.items())
    head = "| permission | " + " | ".join(role.value for role in Role) + " | operator | allows |\n"
    rule = "|---|" + "---|" * (len(Role) + 2) + "\n"
    return f"| role | for |\n|---|---|\n{roles}\n{head}{rule}" + "".join(map(_row, Permission))


def _row(permission: Permission) -> str:
    cells = [_cell(permission, role) for role in Role]
    operator = "yes" if permission in OPERATOR else ""
    return f"| `{permission.value}` | {' | '.join(cells)} | {operator} | {MEANING[permission]} |\n"


def _cell(permission: Permission, role: Role) -> str:
    if permission in ROLES[role]:
        return "yes"
    return "test" if permission in IN_TEST_MODE.get(role, frozenset()) else ""


def render(page: str) -> str:
    """Return the page with the tables of today. Raises ValueError when it has no place for them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        message = f"{DOCUMENT.name} has lost the lines {BEGIN.strip()} and {END.strip()}"
        raise ValueError(message)
    return f"{before}{begin}\n{tables()}\n{end}{after}"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is 1 when `--check` finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m scripts.roles_table", description="The tables of docs/roles.md.")
    parser.add_argument("--check", action="store_true", help="compare, and change nothing")
    page = DOCUMENT.read_text(encoding="utf-8")
    if not parser.parse_args(arguments).check:
        DOCUMENT.write_text(render(page), encoding="utf-8")
        return 0
    if page == render(page):
        return 0
    print("docs/roles.md is not what the roles say: python -m scripts.roles_table")
    return 1


if __name__ == "__main__":
    sys.exit(main())
