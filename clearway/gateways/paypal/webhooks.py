"""PayPal's webhooks: the signature is verified, but the content is not trusted.

PayPal signs the CRC32 of the body, which is no digest: with one genuine set of headers, a body with another meaning and
the same CRC32 is quickly made. So every event is a hint: the workflow asks the gateway.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from clearway.gateways.contract import (
    AnswerUnreadableError,
    EventUnreadableError,
    GatewayUnavailableError,
    Inbound,
    InboundEvent,
    InboundRequest,
    OperationKind,
    SignatureInvalidError,
)

ALGORITHM: Final = "SHA256withRSA"
CERTIFICATE_HOSTS: Final = frozenset({"api.paypal.com", "api.sandbox.paypal.com"})
CERTIFICATES_MAX: Final = 16
PAST: Final = timedelta(days=3, hours=1)
"""PayPal repeats a webhook for three days. An old one is harmless: it only makes the workflow ask the gateway."""
FUTURE: Final = timedelta(minutes=5)
_HEADERS: Final = ("transmission-id", "transmission-time", "transmission-sig", "cert-url", "auth-algo")

Fetch = Callable[[str], Awaitable[bytes]]


class Verifier:
    """Verifies webhook signatures. origin: of the API, if it is not PayPal's own; its certificates are taken too."""

    def __init__(self, webhook_id: str | None, origin: str | None, fetch: Fetch) -> None:
        self._webhook_id = webhook_id
        self._origin = origin
        self._fetch = fetch
        self._keys: dict[str, rsa.RSAPublicKey] = {}

    async def verify(self, request: InboundRequest) -> None:
        """Raise SignatureInvalidError unless the headers are PayPal's and the CRC32 fits."""
        if not self._webhook_id:
            raise SignatureInvalidError("no webhook id is configured for this gateway")
        names = {name: request.headers.get(f"paypal-{name}", "") for name in _HEADERS}
        if not all(names.values()):
            raise SignatureInvalidError("a header of the signature is missing")
        if names["auth-algo"] != ALGORITHM:
            raise SignatureInvalidError("the signature is made in a way that is not PayPal's")
        self._check_time(names["transmission-time"], request.received_at)
        crc = zlib.crc32(request.body)
        signed = f"{names['transmission-id']}|{names['transmission-time']}|{self._webhook_id}|{crc}"
        key = await self._key(names["cert-url"], request.received_at)
        try:
            signature = base64.b64decode(names["transmission-sig"], validate=True)
            key.verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            raise SignatureInvalidError("the signature is not that of this body") from None

    def _check_time(self, stamp: str, received_at: datetime) -> None:
        try:
            sent_at = datetime.fromisoformat(stamp)
            too_far = not received_at - PAST <= sent_at <= received_at + FUTURE
        except (ValueError, TypeError):
            raise SignatureInvalidError("the time of the signature cannot be read") from None
        if too_far:
            raise SignatureInvalidError("the signature is too old, or of the future")

    async def _key(self, url: str, at: datetime) -> rsa.RSAPublicKey:
        """Return the public key of a certificate at PayPal's address; https proves the address."""
        if not self._is_paypals(url):
            raise SignatureInvalidError("the certificate is not at an address of PayPal")
        if url not in self._keys:
            try:
                key = _key_of(await self._fetch(url), at)
            except GatewayUnavailableError as error:
                raise SignatureInvalidError(f"{error}; PayPal sends the webhook again") from None
            if len(self._keys) >= CERTIFICATES_MAX:
                self._keys.clear()
            self._keys[url] = key
        return self._keys[url]

    def _is_paypals(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
            plain = parts.username is None and parts.password is None and parts.port in {None, 443}
        except ValueError:
            return False
        if self._origin is not None:
            return f"{parts.scheme}://{parts.netloc}" == self._origin
        return plain and parts.scheme == "https" and parts.hostname in CERTIFICATE_HOSTS


def origin_of(url: str) -> str:
    """Return the scheme and host of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def events_of(body: bytes) -> Inbound:
    """Return an event for each of our operations in it. Raises EventUnreadableError."""
    try:
        event = json.loads(body)
        return Inbound(_events(event))
    except (ValueError, RecursionError, KeyError, TypeError, AnswerUnreadableError) as error:
        raise EventUnreadableError(f"not an event of PayPal: {type(error).__name__}") from error


def _events(event: Any) -> tuple[InboundEvent, ...]:
    resource = event["resource"]
    order = resource["id"] if event["resource_type"] == "checkout-order" else _order_of(resource)
    key = _key_of_resource(resource)
    kind = _kind(key)
    if kind is None or key is None:
        return ()
    references = {"payment": order} if isinstance(order, str) and order else {}
    created = event.get("create_time")
    return (
        InboundEvent(
            event_id=event["id"],
            key=key,
            occurred_at=created if isinstance(created, str) and created else None,
            operation=kind,
            references=references,
        ),
    )


def _key_of_resource(resource: Mapping[str, Any]) -> str | None:
    units = resource.get("purchase_units")
    unit = units[0] if isinstance(units, list) and units else resource
    key = unit.get("invoice_id")
    return key if isinstance(key, str) else None


def _order_of(resource: Mapping[str, Any]) -> Any:
    related = (resource.get("supplementary_data") or {}).get("related_ids") or {}
    return related.get("order_id")


def _kind(key: str | None) -> OperationKind | None:
    """Return the kind of operation of our key; None for a foreign key."""
    _owner, kind, number = (key or "").split(":") if (key or "").count(":") == 2 else ("", "", "")  # noqa: PLR2004 - two colons
    return OperationKind(kind) if kind in set(OperationKind) and number.isdecimal() else None


def _key_of(certificate: bytes, at: datetime) -> rsa.RSAPublicKey:
    try:
        first = x509.load_pem_x509_certificates(certificate)[0]
    except (ValueError, IndexError):
        raise SignatureInvalidError("the certificate cannot be read") from None
    key = first.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise SignatureInvalidError("the certificate has no RSA key")
    if not first.not_valid_before_utc <= at <= first.not_valid_after_utc:
        raise SignatureInvalidError("the certificate has expired, or is not valid yet")
    return key
