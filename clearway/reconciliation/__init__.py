"""Application services of reconciliation: start a run, carry it on page by page, resolve items, import files."""
