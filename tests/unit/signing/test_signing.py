"""Signatures: published vectors, verified by the public library, and refused once anything is altered."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from clearway.crypto.signing import SECRET_BYTES, new_secret, sign

BODY = '{"id":"evt_1","type":"payment.success","data":{"note":"₹ दस हज़ार"}}'.encode()


def now() -> datetime:
    """Return the time of an attempt made now: the public verifier reads the real clock."""
    return datetime.now(UTC)


@pytest.mark.parametrize(
    ("secret", "message_id", "unix_s", "body", "signature"),
    [
        pytest.param(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            id="standard-webhooks-libraries",
        ),
        pytest.param(
            "whsec_plJ3nmyCDGBKInavdOK15jsl",
            "msg_loFOjxBNrRLzqYUf",
            1731705121,
            b'{"event_type":"ping","data":{"success":true}}',
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
            id="svix-documentation",
        ),
    ],
)
def test_published_vectors(secret, message_id, unix_s, body, signature):
    """The Standard Webhooks headers equal the vectors their authors publish."""
    headers = sign([secret], message_id, datetime.fromtimestamp(unix_s, UTC), body)
    assert headers["webhook-signature"] == signature
    assert headers["webhook-id"] == message_id
    assert headers["webhook-timestamp"] == str(unix_s)


def test_body_signature_is_keyed_with_the_secret_as_shown():
    """X-Webhook-Signature is the hex HMAC of the raw body, keyed with the whole string, `whsec_` included."""
    headers = sign(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "evt_1", now(), b'{"a":1}')
    expected = hmac.new(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"a":1}', hashlib.sha256).hexdigest()
    assert headers["X-Webhook-Signature"] == expected
    # Computed once with openssl dgst -sha256 -hmac, so that the test does not only repeat the code.
    assert expected == "45ec03b2b33403c8043a90de06bedad0827183927115fd7e448ef97eeb13c5be"


def test_public_library_accepts():
    """A body with characters of many bytes passes the verifier that merchants install."""
    secret = new_secret()
    assert Webhook(secret).verify(BODY, sign([secret], "evt_1", now(), BODY))["id"] == "evt_1"


def test_rotation_satisfies_holders_of_either_secret():
    """During the overlap there is one signature per secret, and each verifies alone; a third secret does not."""
    current, previous, stranger = new_secret(), new_secret(), new_secret()
    headers = sign([current, previous], "evt_1", now(), BODY)
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert headers["X-Webhook-Signature"].split(",") == [
        hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest() for secret in (current, previous)
    ]
    for secret in (current, previous):
        Webhook(secret).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(stranger).verify(BODY, headers)


@pytest.mark.parametrize(
    "alter",
    [
        pytest.param(lambda headers, body: (headers, body.replace(b"success", b"failed")), id="body"),
        pytest.param(lambda headers, body: (headers | {"webhook-id": "evt_2"}, body), id="id"),
        pytest.param(
            lambda headers, body: (headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}, body),
            id="timestamp",
        ),
        pytest.param(lambda headers, body: (headers | {"webhook-signature": "v1,AAAA"}, body), id="signature"),
    ],
)
def test_anything_altered_is_refused(alter):
    """Body, id, time and signature hang together: changing one is noticed."""
    secret = new_secret()
    headers, body = alter(sign([secret], "evt_1", now(), BODY), BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)


def test_old_attempt_is_refused():
    """A delivery captured more than five minutes ago does not verify: the time of the attempt is signed."""
    secret = new_secret()
    headers = sign([secret], "evt_1", now() - timedelta(seconds=301), BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, headers)


@pytest.mark.parametrize("hours", [-8, 5.5, 14])
def test_time_zone_does_not_matter(hours):
    """The same instant in any zone gives the same headers (the library alone would sign another instant)."""
    secret, instant = new_secret(), datetime(2026, 3, 1, 12, 0, 0, 999_999, tzinfo=UTC)
    elsewhere = instant.astimezone(timezone(timedelta(hours=hours)))
    assert sign([secret], "evt_1", elsewhere, BODY) == sign([secret], "evt_1", instant, BODY)


@pytest.mark.parametrize(
    ("secrets", "message_id", "timestamp"),
    [
        pytest.param([], "evt_1", datetime(2026, 1, 1, tzinfo=UTC), id="no-secret"),
        pytest.param([new_secret()], "", datetime(2026, 1, 1, tzinfo=UTC), id="no-id"),
        pytest.param([new_secret()], "evt.1", datetime(2026, 1, 1, tzinfo=UTC), id="full-stop-in-id"),
        pytest.param([new_secret()], "evt_1", datetime(2026, 1, 1), id="naive-time"),  # noqa: DTZ001
    ],
)
def test_programmer_errors_are_refused(secrets, message_id, timestamp):
    """What could be signed ambiguously, or not at all, is an error and never an unsigned delivery."""
    with pytest.raises(ValueError, match=r"secret|message id|time zone"):
        sign(secrets, message_id, timestamp, BODY)


def test_new_secrets_are_long_and_different():
    """A secret is `whsec_` and 32 random bytes, never the same twice."""
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    for secret in made:
        assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == SECRET_BYTES
