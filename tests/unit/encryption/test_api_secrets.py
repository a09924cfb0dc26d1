"""API secrets: stored as a keyed hash, compared in constant time, and any text may be presented."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from clearway.crypto.encryption import api_secret_matches, hash_api_secret


def test_hash_is_hmac_with_the_pepper():
    """What is stored is HMAC-SHA256 keyed with the pepper, so that a stolen table alone cannot be searched."""
    assert hash_api_secret("secret", "pepper") == hmac.new(b"pepper", b"secret", hashlib.sha256).digest()
    assert hash_api_secret("secret", "pepper") != hash_api_secret("secret", "another")


def test_only_the_secret_matches():
    """The right secret with the right pepper matches, and nothing else does."""
    stored = hash_api_secret("secret_test_xyz789", "pepper")
    assert api_secret_matches("secret_test_xyz789", "pepper", stored)
    assert not api_secret_matches("secret_test_xyz788", "pepper", stored)
    assert not api_secret_matches("secret_test_xyz789", "pepper2", stored)
    assert not api_secret_matches("secret_test_xyz789", "pepper", stored[:-1])


@pytest.mark.parametrize("presented", ["", "sécret", "秘密", "\x00", "\udcff", "x" * 100_000])
def test_any_text_is_only_wrong(presented):
    """A crafted header is a wrong secret, never an error of ours."""
    assert not api_secret_matches(presented, "pepper", hash_api_secret("secret", "pepper"))
