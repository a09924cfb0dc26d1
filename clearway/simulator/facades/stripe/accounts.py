"""Authentication: Stripe's API keys, and the account of each. Pure.

Every well-formed test key is accepted: `sk_test_NAME`, `rk_test_NAME` and `pk_test_NAME` are keys of one account, which
the name makes. A name with `invalid` or `expired` in it is refused as Stripe refuses such keys.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from clearway.simulator.facades.stripe.errors import StripeError

_KEY: Final = re.compile(r"(sk|rk|pk)_test_([A-Za-z0-9_]{8,200})")


@dataclass(frozen=True, slots=True)
class Caller:
    """An account, as one of its keys speaks for it."""

    account: str
    publishable: bool


def caller_of(authorization: str) -> Caller:
    """Return who sent this Authorization header. Raises StripeError (401)."""
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise StripeError(
            401, "You did not provide an API key. You need to provide your API key in the Authorization header."
        )
    found = _KEY.fullmatch(key.strip())
    if found is None or "invalid" in found[2]:
        raise StripeError(401, f"Invalid API Key provided: {_masked(key)}")
    if "expired" in found[2]:
        raise StripeError(401, f"Expired API Key provided: {_masked(key)}", code="api_key_expired")
    account = "acct_" + hashlib.sha256(found[2].encode()).hexdigest()[:16]
    return Caller(account, publishable=found[1] == "pk")


def require_secret(caller: Caller) -> None:
    """Refuse a publishable key where Stripe does. Raises StripeError (401)."""
    if caller.publishable:
        message = "This API call cannot be made with a publishable API key. Please use a secret API key."
        raise StripeError(401, message, code="secret_key_required")


def _masked(key: str) -> str:
    return key[:8] + "*" * 8 + key[-4:] if len(key) > 16 else "*" * 8  # noqa: PLR2004 - shorter ones would show whole
