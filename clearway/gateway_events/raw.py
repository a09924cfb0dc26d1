"""Stored requests of gateways: bodies encrypted, headers without credentials, all of it storable text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from sqlalchemy import Row

from clearway.crypto.encryption import Cipher
from clearway.db.gateway_events import Raw
from clearway.domain.gateway import GatewayConfig
from clearway.domain.gateway_event import body_context
from clearway.domain.ids import GATEWAY_EVENT, new_id
from clearway.domain.limits import URL_LENGTH_MAX
from clearway.domain.text import storable
from clearway.gateways.contract import InboundRequest

HEADERS_MAX: Final = 64
HEADER_LENGTH_MAX: Final = 1_024
SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key", "x-api-secret"})
ADDRESS_HEADERS: Final = frozenset(
    {"forwarded", "x-forwarded-for", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip"}
)
UNBELIEVED_BYTES_MAX: Final = 16 * 1024
"""How much is kept of a body that anybody may have sent."""


def raw_of(cipher: Cipher, config: GatewayConfig, request: InboundRequest, *, believed: bool) -> Raw:
    """Return the stored form of a request, under a new id."""
    kept_id = new_id(GATEWAY_EVENT)
    body = request.body if believed else request.body[:UNBELIEVED_BYTES_MAX]
    return Raw(
        id=kept_id,
        gateway=config.kind.value,
        gateway_id=config.id,
        merchant_id=config.merchant_id,
        method=request.method,
        query=storable(request.url.partition("?")[2], URL_LENGTH_MAX),
        headers=_kept(request.headers),
        # A body may be binary: latin-1 maps each byte to a character and back.
        sealed_body=cipher.encrypt(body.decode("latin-1"), body_context(kept_id)),
        received_at=request.received_at,
        complete=len(body) == len(request.body),
    )


def request_of(cipher: Cipher, row: Row[Any], webhook_url: str) -> InboundRequest:
    """Return a stored request as it was received. Raises DecryptionError."""
    received_at: datetime = row.received_at
    return InboundRequest(
        method=row.method,
        url=f"{webhook_url}?{row.query}" if row.query else webhook_url,
        headers=row.headers,
        body=body_of(cipher, row),
        received_at=received_at,
        query=dict(parse_qsl(row.query, keep_blank_values=True)),
    )


def body_of(cipher: Cipher, row: Row[Any]) -> bytes:
    """Return the body of a stored request; empty when its payment is forgotten. Raises DecryptionError."""
    if not row.sealed_body:
        return b""
    return cipher.decrypt(row.sealed_body, body_context(row.id)).encode("latin-1")


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers as they can be stored, without credentials and network addresses."""
    wanted = [(name, value) for name, value in headers.items() if name.lower() not in SECRET_HEADERS | ADDRESS_HEADERS]
    return {
        storable(name.lower(), HEADER_LENGTH_MAX): storable(value, HEADER_LENGTH_MAX)
        for name, value in wanted[:HEADERS_MAX]
    }
