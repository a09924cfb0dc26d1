"""Statements are counted from the server's log, by caller."""

from __future__ import annotations

from scripts.bench.statements import read_log

LOG = """\
@bench [clearway-api 0.1.0 4711@host] LOG:  statement: BEGIN;
@bench [clearway-api 0.1.0 4711@host] LOG:  execute __asyncpg_stmt_3__: SELECT api_keys.id,
	api_keys.merchant_id
FROM api_keys WHERE id = $1::VARCHAR
@bench [clearway-api 0.1.0 4711@host] DETAIL:  parameters: $1 = 'key'
@bench [clearway-worker-0 0.1.0 4711@host] LOG:  execute __asyncpg_stmt_9__: SELECT 1
@bench [bench] LOG:  statement: SELECT pg_reload_conf()
@bench [] LOG:  checkpoint starting: time
@bench [clearway-worker-0 0.1.0 4711@host] ERROR:  duplicate key
@bench [clearway-worker-0 0.1.0 4711@host] STATEMENT:  INSERT INTO payments
@bench [clearway-worker-0 0.1.0 4711@host] LOG:  execute __asyncpg_stmt_a__: SELECT 1
"""


def test_statements_are_counted_by_caller() -> None:
    """A statement of several lines is one; details, errors, checkpoints and our own switch are none."""
    found = read_log(LOG.splitlines())
    assert found.by_caller() == {"clearway-api": 2, "clearway-worker-0": 2}
    select = "SELECT api_keys.id, api_keys.merchant_id FROM api_keys WHERE id = $1::VARCHAR"
    assert found.counts["clearway-api", select] == 1
    assert found.counts["clearway-worker-0", "SELECT 1"] == 2
