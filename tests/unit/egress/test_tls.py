"""TLS to merchants: the certificate must be trusted, in date and valid for the name in the URL."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clearway.egress import SendError, WebhookSender

NAME = "hooks.example"


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority of the test")])
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        self.certificate = (
            self._builder(self._name, self._key, days=30)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def trusted(self) -> ssl.SSLContext:
        """Return a context that trusts this authority alone."""
        pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def server(self, name: str, days: int = 30, *, self_signed: bool = False) -> ssl.SSLContext:
        """Return the context of a server with a certificate for `name`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(subject, key, days, issuer=subject if self_signed else self._name)
        certificate = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False).sign(
            key if self_signed else self._key, hashes.SHA256()
        )
        path = self._folder / f"{certificate.serial_number}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _builder(self, subject, key, days, issuer=None) -> x509.CertificateBuilder:
        end = datetime.now(UTC) + timedelta(days=days)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(end - timedelta(days=60))
            .not_valid_after(end)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )


@pytest.fixture
def authority(tmp_path) -> Authority:
    """Return a fresh certificate authority."""
    return Authority(tmp_path)


async def loopback(host, port):
    """Resolve every name to loopback."""
    return [ip_address("127.0.0.1")]


async def test_good_certificate(receive, policy, authority):
    """Host header, SNI and certificate name are those of the URL although the connection goes to a literal address."""
    seen = []
    tls = authority.server(NAME)
    tls.sni_callback = lambda _socket, name, _context: seen.append(name)
    receiver = await receive(tls=tls)
    sender = WebhookSender(policy, resolve=loopback, ssl_context=authority.trusted())
    result = await sender.send(receiver.url(NAME, "https"), {}, b"{}")
    assert result.succeeded
    assert seen == [NAME]
    assert f"\r\nhost: {NAME}:{receiver.port}\r\n".encode() in receiver.requests[0].lower()


@pytest.mark.parametrize(
    ("certificate", "message"),
    [
        pytest.param({"name": NAME, "self_signed": True}, "self-signed certificate", id="self-signed"),
        pytest.param({"name": NAME, "days": -1}, "certificate has expired", id="expired"),
        pytest.param({"name": "other.example"}, "Hostname mismatch", id="wrong-name"),
    ],
)
async def test_bad_certificate(receive, policy, authority, certificate, message):
    """A certificate that is nobody's, out of date or another's is refused before anything is sent."""
    receiver = await receive(tls=authority.server(**certificate))
    sender = WebhookSender(policy, resolve=loopback, ssl_context=authority.trusted())
    result = await sender.send(receiver.url(NAME, "https"), {}, b"{}")
    assert result.error_code is SendError.TLS_ERROR
    assert message in (result.error or "")
    assert receiver.requests == []


async def test_unknown_authority(receive, policy, authority):
    """By default only public authorities are trusted."""
    receiver = await receive(tls=authority.server(NAME))
    result = await WebhookSender(policy, resolve=loopback).send(receiver.url(NAME, "https"), {}, b"{}")
    assert result.error_code is SendError.TLS_ERROR
    assert receiver.requests == []


async def test_plain_server_behind_https(receive, policy):
    """A server that answers https with plain text is a TLS error, not a hang."""

    async def plain(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    receiver = await receive(plain, reads=False)
    result = await WebhookSender(policy, resolve=loopback).send(receiver.url(NAME, "https"), {}, b"{}")
    assert result.error_code is SendError.TLS_ERROR
    assert result.error == "The TLS connection failed: WRONG_VERSION_NUMBER."
