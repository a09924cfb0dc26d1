"""API secrets: stored as a keyed hash, compared in constant time, under peppers that can be changed."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from clearway.crypto.api_secrets import Peppers, SecretHash
from clearway.crypto.encryption import KeyConfigurationError

OLD = Peppers.from_settings("old:pepper")
BOTH = Peppers.from_settings("new:other, old:pepper")


def test_hash_is_hmac_with_the_pepper():
    """What is stored is HMAC-SHA256 keyed with the first pepper, so that a stolen table alone cannot be searched."""
    assert OLD.hash("secret") == SecretHash("old", hmac.new(b"pepper", b"secret", hashlib.sha256).digest())
    assert BOTH.hash("secret").pepper_id == "new"


def test_only_the_secret_matches():
    """The right secret with the right pepper matches, and nothing else does."""
    stored = OLD.hash("secret_test_xyz789")
    assert OLD.matches("secret_test_xyz789", stored)
    assert not OLD.matches("secret_test_xyz788", stored)
    assert not Peppers.from_settings("old:pepper2").matches("secret_test_xyz789", stored)
    assert not OLD.matches("secret_test_xyz789", SecretHash("old", stored.digest[:-1]))
    assert not OLD.matches("secret_test_xyz789", None)


def test_a_pepper_can_be_changed():
    """What the old pepper hashed verifies while it is configured, and no longer when it is not."""
    stored = OLD.hash("secret")
    assert BOTH.matches("secret", stored)
    assert not BOTH.is_current(stored)
    assert BOTH.is_current(BOTH.hash("secret"))
    assert not Peppers.from_settings("new:other").matches("secret", stored)


def test_nothing_matches_what_no_pepper_made():
    """A hash of zeros under a removed pepper matches no secret."""
    assert not OLD.matches("secret", SecretHash("gone", bytes(32)))


@pytest.mark.parametrize("presented", ["", "sécret", "秘密", "\x00", "\udcff", "x" * 100_000])
def test_any_text_is_only_wrong(presented):
    """Any text that is not the secret is a wrong secret, never an exception."""
    assert not OLD.matches(presented, OLD.hash("secret"))


@pytest.mark.parametrize("text", ["", ",", "no-colon", ":secret", "id:", "a b:secret", "a:1,a:2"])
def test_peppers_that_cannot_be_used_are_refused(text):
    """The message names the variable, and never a secret."""
    with pytest.raises(KeyConfigurationError, match="API_KEY_PEPPERS") as refusal:
        Peppers.from_settings(text)
    assert "secret)" not in str(refusal.value)
    assert "pepper" not in repr(OLD).replace("Peppers", "")
