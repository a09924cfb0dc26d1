"""Secrets of returns: derived from the peppers, and unchanged until the last pepper is removed."""

from __future__ import annotations

from clearway.crypto.api_secrets import Peppers
from clearway.crypto.returns import return_secrets, return_token, token_matches

OLD, NEW = ("old", "one-pepper"), ("new", "another-pepper")


def test_a_new_pepper_changes_no_secret_that_signs() -> None:
    """A merchant's secret stays while peppers are changed; the one that follows is shown before it signs."""
    [before] = return_secrets(Peppers([OLD]), "mer_1")
    during = return_secrets(Peppers([NEW, OLD]), "mer_1")
    [after] = return_secrets(Peppers([NEW]), "mer_1")
    assert during == [before, after]
    assert before != after


def test_a_customer_returns_with_a_token_of_an_older_pepper() -> None:
    """A page that was opened before a pepper was added still leads back."""
    token = return_token(Peppers([OLD]), "pay_1")
    assert token_matches(Peppers([NEW, OLD]), "pay_1", token)
    assert not token_matches(Peppers([NEW]), "pay_1", token)
