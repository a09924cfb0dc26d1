"""What the errors of gateways mean, as data: one CSV a kind of gateway, loaded and checked once.

A connector asks `classify` and puts the row into its outcome. Nobody else interprets a gateway's code.
The same rows make `GET /errors` and `docs/errors.md`, so a person reads what the program does.

    rows       what a row says, and what makes a row impossible
    reading    from the CSV files to rows
    table      the look-up
"""

from clearway.gateways.errors.rows import ANY, ErrorRow, NetworkCode, UnifiedCode
from clearway.gateways.errors.table import TABLE, by_decline_code, classify

__all__ = ["ANY", "TABLE", "ErrorRow", "NetworkCode", "UnifiedCode", "by_decline_code", "classify"]
