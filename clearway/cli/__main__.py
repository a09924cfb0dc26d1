"""`python -m clearway.cli`: the same as the console script."""

from __future__ import annotations

from clearway.cli import main

main()
