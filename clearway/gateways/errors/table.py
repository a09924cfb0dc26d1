"""The look-up: exact first, then without the network's code, then for any operation. Unknown stays unknown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from clearway.domain.gateway_error import Cause, Elsewhere
from clearway.gateways.contract import Executed
from clearway.gateways.errors.overrides import NONE, Overrides, effective
from clearway.gateways.errors.reading import KINDS, read_kind, read_networks, read_unified
from clearway.gateways.errors.rows import ANY, ErrorRow, NetworkCode, UnifiedCode

_UNKNOWN_TEXT: Final = (
    "The gateway reports an error that Clearway does not know. Clearway asks the gateway for the outcome."
)


@dataclass(frozen=True)
class ErrorTable:
    """All rows, by their look-up keys. rows: by kind of gateway, in the order of its file."""

    unified: dict[str, UnifiedCode]
    networks: dict[str, NetworkCode]
    rows: dict[str, list[ErrorRow]]

    @classmethod
    def read(cls) -> ErrorTable:
        """Read and check the files."""
        unified = read_unified()
        return cls(unified, read_networks(), {kind: read_kind(kind, unified) for kind in KINDS})

    def index(self) -> dict[tuple[str, str, str, str], ErrorRow]:
        """Return the rows by kind, operation, code and network code."""
        return {
            (kind, row.operation, row.code, row.network_code): row for kind, rows in self.rows.items() for row in rows
        }


TABLE: Final = ErrorTable.read()
_INDEX: Final = TABLE.index()


def classify(
    kind: str,
    operation: str,
    code: str | Sequence[str | None] | None,
    network_code: str | None = None,
    *,
    advice_code: str | None = None,
    overrides: Overrides = NONE,
) -> ErrorRow:
    """Return what an error of a gateway means.

    operation: `authorise`, `capture`, `void` or `refund`. code: the gateway's code, or several from the most specific
    to the most general (decline code, code, type, HTTP status); the first that has a row decides. network_code: such as
    `visa:51`; advice_code: such as `03`. They can only make a row stricter. overrides: the merchant's own rows.
    An error without a row may have been executed, and is no decline.
    """
    codes = (code,) if code is None or isinstance(code, str) else code
    asked = [each for each in codes if each]
    row = _find(kind, operation, asked, network_code or "")
    if row is None:
        return _unknown(kind, operation, asked[0] if asked else "", network_code or "")
    row = effective(row, overrides.get((row.gateway, row.operation, row.code, row.network_code)))
    if row.network_code:
        return row
    return _narrowed(row, _network_rows(network_code, advice_code), network_code or "")


def never_again(network_code: str | None, advice_code: str | None) -> bool:
    """Return whether a network's code or advice forbids another try of the card."""
    return any(row.never_again for row in _network_rows(network_code, advice_code))


def by_decline_code(code: str) -> UnifiedCode:
    """Return the meaning of a unified code. Raises KeyError for an unknown code."""
    return TABLE.unified[code]


def _find(kind: str, operation: str, codes: Sequence[str], network_code: str) -> ErrorRow | None:
    places = [(each, network) for each in codes for network in dict.fromkeys((network_code, ""))]
    for code, network in places:
        for on in (operation, ANY):
            row = _INDEX.get((kind, on, code, network))
            if row is not None:
                return row
    return None


def _network_rows(network_code: str | None, advice_code: str | None) -> Iterator[NetworkCode]:
    for name in (network_code, f"advice:{advice_code}" if advice_code else None):
        if name in TABLE.networks:
            yield TABLE.networks[name]


def _narrowed(row: ErrorRow, networks: Iterable[NetworkCode], network_code: str) -> ErrorRow:
    """Apply the network's bans and wait. A network code never allows what the row forbids."""
    for network in networks:
        elsewhere = row.elsewhere if row.elsewhere is Elsewhere.NO else network.elsewhere
        wait_s = max(filter(None, (row.wait_s, network.wait_s)), default=None)
        row = replace(row, elsewhere=elsewhere, wait_s=wait_s, network_code=network_code)
    return row


def _unknown(kind: str, operation: str, code: str, network_code: str) -> ErrorRow:
    return ErrorRow(
        gateway=kind,
        operation=operation,
        code=code,
        network_code=network_code,
        decline_code=None,
        executed=Executed.MAYBE,
        again=False,
        cause=Cause.GATEWAY,
        elsewhere=Elsewhere.NO,
        wait_s=None,
        merchant_text=_UNKNOWN_TEXT,
        customer_text=None,
        known=False,
    )
