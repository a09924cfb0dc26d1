"""The error table of gateways: one CSV for each kind of gateway, loaded and checked once.

A connector asks `classify` and puts the row into its outcome. No other code interprets a gateway's code.
`GET /errors` and `docs/errors.md` are made from the same rows, so people read what the program does.

    rows       what a row says, and what makes a row impossible
    reading    from the CSV files to rows
    table      the look-up
"""

from clearway.gateways.errors.rows import ANY, ErrorRow, NetworkCode, UnifiedCode
from clearway.gateways.errors.table import TABLE, by_decline_code, classify

__all__ = ["ANY", "TABLE", "ErrorRow", "NetworkCode", "UnifiedCode", "by_decline_code", "classify"]
