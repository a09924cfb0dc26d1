"""Tests that need Postgres or Temporal. A package: without it `tests/services/api` would be imported as `api`."""
