"""Checks the PEM files of a TLS client before anything connects with them.

It says what is wrong with a file by its path. It must not repeat what a file holds: one of them is a private key.
"""

from __future__ import annotations

import ssl
from pathlib import Path


def ca_problem(ca: Path) -> str | None:
    """Return why this file can't say whom to trust, or None."""
    try:
        _context().load_verify_locations(cafile=ca)
    except ssl.SSLError:
        return f"{ca} holds no PEM certificate"
    except OSError as error:
        return f"{ca} can't be read: {error.strerror}"
    return None


def identity_problem(certificate: Path, key: Path) -> str | None:
    """Return why this certificate and this private key are no identity, or None."""
    for path in (certificate, key):
        try:
            path.open("rb").close()
        except OSError as error:
            return f"{path} can't be read: {error.strerror}"
    try:
        # A key with a passphrase is refused with an empty one; without this, OpenSSL would ask the terminal.
        _context().load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"{key} is not the private key of the certificate in {certificate}"
        return f"{certificate} and {key} are not a PEM certificate and its private key without a passphrase"
    return None


def _context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
