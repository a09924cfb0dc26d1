"""How webhooks are signed: RSA with SHA-256 over `id|time|webhook_id|crc32`, and the certificate that is served.

The CRC32 of the body is all of the body that is signed, and it is no digest: a body with another meaning and the same
CRC32 is easily made. The stand-in does as PayPal does.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
import zlib
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from clearway.simulator.facades.paypal.books import Books

ALGORITHM: Final = "SHA256withRSA"
SUBJECT: Final = "messageverificationcerts.paypal.com"
KEY_BITS: Final = 2_048
_EVENT: Final = re.compile(rb'"webhook_event"\s*:\s*')


def signed_text(transmission_id: str, time: str, webhook_id: str, body: bytes) -> bytes:
    """Return what is signed."""
    return f"{transmission_id}|{time}|{webhook_id}|{zlib.crc32(body)}".encode()


def event_of(verification: bytes) -> bytes:
    """Return the event in the body of a verification request, as its bytes came."""
    found = _EVENT.search(verification)
    if found is None:
        return b""
    text = verification[found.end() :].decode()
    _, end = json.JSONDecoder().raw_decode(text)
    return text[:end].encode()


@dataclass(slots=True)
class Signer:
    """The key of the stand-in, made at first use and stored."""

    books: Books
    _key: rsa.RSAPrivateKey | None = field(default=None, repr=False)

    def sign(self, text: bytes) -> str:
        """Return the signature in base64."""
        return base64.b64encode(self._private_key().sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()

    def verifies(self, text: bytes, signature: str) -> bool:
        """Return whether a signature is valid."""
        try:
            self._private_key().public_key().verify(
                base64.b64decode(signature), text, padding.PKCS1v15(), hashes.SHA256()
            )
        except (InvalidSignature, ValueError):
            return False
        return True

    def certificate(self) -> str:
        """Return the certificate in PEM."""
        self._private_key()
        kept = self.books.key()
        assert kept is not None, "it was just made"
        return kept[1]

    def certificate_id(self) -> str:
        """Return the last part of the certificate's address."""
        return "CERT-" + hashlib.sha256(self.certificate().encode()).hexdigest()[:24]

    def _private_key(self) -> rsa.RSAPrivateKey:
        if self._key is None:
            kept = self.books.key() or self._make()
            loaded = serialization.load_pem_private_key(kept[0].encode(), None)
            assert isinstance(loaded, rsa.RSAPrivateKey), "we made it"
            self._key = loaded
        return self._key

    def _make(self) -> tuple[str, str]:
        key = rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        made = pem.decode(), _certificate(key)
        self.books.keep_key(*made)
        return made


def _certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SUBJECT)])
    now = dt.datetime.now(tz=dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=3_650))
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()
