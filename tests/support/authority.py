"""A certificate authority for tests, and the PEM files of those it vouches for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clearway.settings import Settings

SERVER = "temporal.internal.example"
CLIENT = "clearway-worker"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Identity:
    """A certificate and its private key, as files."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates that nobody else trusts."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self.file = folder / f"{name}.pem".replace(" ", "-")
        mine = self._certificate(self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), True
        )
        self.file.write_bytes(_pem(mine.sign(self._key, hashes.SHA256())))

    def issue(self, name: str) -> Identity:
        """Return an identity of this name, for servers and clients."""
        key = ec.generate_private_key(ec.SECP256R1())
        issued = (
            self._certificate(_name(name), key)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        )
        identity = Identity(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        identity.certificate.write_bytes(_pem(issued.sign(self._key, hashes.SHA256())))
        identity.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return identity

    def _certificate(self, name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def mtls(authority: Authority, port: int, **changed: Any) -> Settings:
    """Return settings of mTLS with an identity that this authority gave."""
    identity = authority.issue(CLIENT)
    asked = {
        "temporal_address": f"127.0.0.1:{port}",
        "temporal_tls": True,
        "temporal_tls_ca": authority.file,
        "temporal_tls_cert": identity.certificate,
        "temporal_tls_key": identity.key,
        "temporal_tls_server_name": SERVER,
    }
    return Settings(_env_file=None, **{**asked, **changed})
