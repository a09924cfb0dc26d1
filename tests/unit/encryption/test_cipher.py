"""Secrets at rest: bound to their row, rotatable, and silent about keys and plaintexts when something is wrong."""

from __future__ import annotations

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.crypto.encryption import Cipher, DecryptionError, KeyConfigurationError, UnknownKeyError
from clearway.settings import DEVELOPMENT_SECRET_KEYS

CONTEXT = "webhook_endpoints/whe_01/secret"
OLD, NEW = os.urandom(32), os.urandom(32)


@pytest.fixture
def cipher() -> Cipher:
    """Return a cipher in the middle of a rotation."""
    return Cipher([("new", NEW), ("old", OLD)])


@given(plaintext=st.text(alphabet=st.characters(exclude_categories=["Cs"])), context=st.text(max_size=50))
def test_round_trip(plaintext, context):
    """Any text comes back as it was, under its own context."""
    cipher = Cipher([("k", NEW)])
    context = context.encode("utf-8", "replace").decode()
    assert cipher.decrypt(cipher.encrypt(plaintext, context), context) == plaintext


def test_token_moved_to_another_row_is_refused(cipher):
    """A ciphertext copied into another row does not decrypt there."""
    token = cipher.encrypt("whsec_mine", CONTEXT)
    with pytest.raises(DecryptionError) as caught:
        cipher.decrypt(token, "webhook_endpoints/whe_02/secret")
    assert not isinstance(caught.value, UnknownKeyError)


def test_every_flipped_bit_is_noticed(cipher):
    """Nonce, ciphertext and tag are authenticated: no bit can change unnoticed."""
    version, key_id, payload = cipher.encrypt("whsec_mine", CONTEXT).split(".")
    sealed = base64.urlsafe_b64decode(payload)
    for position in range(len(sealed) * 8):
        altered = bytearray(sealed)
        altered[position // 8] ^= 1 << (position % 8)
        token = f"{version}.{key_id}.{base64.urlsafe_b64encode(altered).decode()}"
        with pytest.raises(DecryptionError):
            cipher.decrypt(token, CONTEXT)


def test_key_id_is_authenticated():
    """Renaming the key in a token is noticed even when both names hold the same key."""
    cipher = Cipher([("a", NEW), ("b", NEW)])
    with pytest.raises(DecryptionError):
        cipher.decrypt(cipher.encrypt("x", CONTEXT).replace("v1.a.", "v1.b."), CONTEXT)


@pytest.mark.parametrize(
    "token",
    ["", "v1", "v1.new", "v2.new.AAAA", "v1.new.", "v1.new.AAAA", "v1.new.%%%%", "v1.new.é", "v1..AAAA", "plain"],
)
def test_what_is_no_token_is_refused(cipher, token):
    """Text that never was a token gives the typed error, not a crash."""
    with pytest.raises(DecryptionError):
        cipher.decrypt(token, CONTEXT)


def test_same_text_never_encrypts_the_same(cipher):
    """Nonces are fresh: equal secrets cannot be recognised in the table."""
    assert len({cipher.encrypt("same", CONTEXT) for _ in range(200)}) == 200


def test_rotation():
    """After a new key is put first, old tokens still open, and begin otherwise than those of the new key."""
    before = Cipher([("old", OLD)])
    token = before.encrypt("whsec_mine", CONTEXT)
    after = Cipher([("new", NEW), ("old", OLD)])
    assert after.decrypt(token, CONTEXT) == "whsec_mine"
    assert token.startswith(before.prefix)
    assert not token.startswith(after.prefix)
    assert after.encrypt("whsec_mine", CONTEXT).startswith(after.prefix)


def test_unknown_key_is_said_by_name():
    """A token of a key that was taken away says which key is missing and what to do."""
    token = Cipher([("retired", OLD)]).encrypt("whsec_mine", CONTEXT)
    with pytest.raises(UnknownKeyError, match="'retired', which is not in SECRET_KEYS"):
        Cipher([("new", NEW)]).decrypt(token, CONTEXT)


def encoded(length: int) -> str:
    """Return a key of so many bytes as it stands in SECRET_KEYS."""
    return base64.b64encode(b"k" * length).decode()


@pytest.mark.parametrize(
    ("secret_keys", "message"),
    [
        pytest.param("", "SECRET_KEYS is empty", id="empty"),
        pytest.param(" , ", "SECRET_KEYS is empty", id="only-commas"),
        pytest.param(encoded(32), "entry 1 is not of the form", id="no-id"),
        pytest.param(f"a:{encoded(16)}", "has 16 bytes and needs 32", id="128-bit-key"),
        pytest.param(f"a:{encoded(33)}", "has 33 bytes and needs 32", id="long-key"),
        pytest.param(f"a:{encoded(32)},b:!!!", "entry 2 is not base64", id="not-base64"),
        pytest.param(f"a:{encoded(32)},a:{encoded(32)}", "'a' is there twice", id="same-id"),
        pytest.param(f"a.b:{encoded(32)}", "a key id is 1 to 32", id="full-stop-in-id"),
        pytest.param(f":{encoded(32)}", "a key id is 1 to 32", id="empty-id"),
    ],
)
def test_wrong_configuration_is_clear_and_keeps_keys_to_itself(secret_keys, message):
    """A bad SECRET_KEYS stops the process with the reason, and without showing any of the keys."""
    with pytest.raises(KeyConfigurationError, match=message) as caught:
        Cipher.from_settings(secret_keys)
    assert encoded(32) not in str(caught.value)
    assert caught.value.__cause__ is None


def test_from_settings_reads_the_development_keys():
    """The published development value is well formed; the first key of a list encrypts."""
    Cipher.from_settings(DEVELOPMENT_SECRET_KEYS)
    cipher = Cipher.from_settings(f" first:{encoded(32)} , second:{base64.b64encode(OLD).decode()} ")
    assert cipher.encrypt("x", CONTEXT).startswith("v1.first.")


def test_nothing_leaks(cipher):
    """Neither the repr nor an error holds a key or the plaintext."""
    with pytest.raises(DecryptionError) as caught:
        cipher.decrypt(cipher.encrypt("whsec_mine", CONTEXT), "elsewhere")
    for text in (repr(cipher), str(caught.value), repr(caught.value)):
        assert "whsec_mine" not in text
        assert base64.b64encode(NEW).decode() not in text
        assert repr(NEW) not in text
