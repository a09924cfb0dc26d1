"""Client certificates in PEM: whether one and a private key fit together, and the TLS context that shows them.

Messages say what is wrong, and never repeat a part of the key.
"""

from __future__ import annotations

import ssl
import tempfile
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

_PUBLIC: Final = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def certificate_problem(certificate: str, now: datetime) -> str | None:
    """Return why this certificate cannot be shown, or None. Its chain may follow it."""
    try:
        first = _first(certificate)
    except ValueError:
        return "this is not a certificate in PEM, which begins with -----BEGIN CERTIFICATE-----"
    if first.not_valid_after_utc <= now:
        return f"the certificate expired on {first.not_valid_after_utc.date()}"
    return None


def key_problem(certificate: str, key: str) -> str | None:
    """Return why this is not the private key of a certificate that has no problem, or None."""
    try:
        private = load_pem_private_key(key.encode(), password=None)
    except TypeError:
        return "the private key has a passphrase; enter it without one, it is stored encrypted"
    except (ValueError, UnsupportedAlgorithm):
        return "this is not a private key in PEM"
    if private.public_key().public_bytes(*_PUBLIC) != _first(certificate).public_key().public_bytes(*_PUBLIC):
        return "this is not the private key of the certificate"
    return None


def expiry_of(certificate: str) -> datetime:
    """Return when a certificate ends. Raises ValueError."""
    return _first(certificate).not_valid_after_utc


def context_of(certificate: str, key: str) -> ssl.SSLContext:
    """Return a TLS context that trusts the public authorities and shows this certificate. Raises ValueError."""
    context = ssl.create_default_context()
    # OpenSSL reads a chain from a file only. This one is readable by its owner alone, and is gone when it is read.
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(f"{key.strip()}\n{certificate.strip()}\n")
        file.flush()
        try:
            context.load_cert_chain(file.name, password="")
        except ssl.SSLError:
            raise ValueError("the client certificate and its key cannot be used") from None
    return context


def _first(certificate: str) -> x509.Certificate:
    return x509.load_pem_x509_certificates(certificate.encode())[0]
