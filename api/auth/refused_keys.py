"""Error messages for refused API credentials: what is missing, malformed or not valid, and what to do.

Only the form of what was sent decides, so nobody learns which keys exist. What was sent is never repeated.
"""

from __future__ import annotations

from typing import Final

from clearway.domain.api_key import KEY_ID_FORM, KEY_PREFIX, SECRET_PREFIX
from clearway.domain.errors import AuthenticationError

WHERE: Final = "Your keys are in the dashboard under Developers, and `clearway keys list` shows them."
NOT_VALID: Final = (
    "The API key is unknown, revoked or expired, or the secret is wrong. Nothing was done. Check both, and that the "
    f"key is of this installation. {WHERE} A lost secret is replaced by rotating the key."
)
BOTH: Final = (
    f"Send the key, which begins with {KEY_PREFIX}, as X-Api-Key, and its secret, which begins with {SECRET_PREFIX}, "
    "as X-Api-Secret."
)


def missing_half(key_id: str | None, secret: str | None) -> str:
    """Return what is missing when a request has no key, no secret, or neither."""
    if key_id:
        return f"X-Api-Secret is missing, and X-Api-Key was sent. Nothing was done. {BOTH} {WHERE}"
    if secret:
        return f"X-Api-Key is missing, and X-Api-Secret was sent. Nothing was done. {BOTH} {WHERE}"
    return f"The request has no API key. Nothing was done. {BOTH} {WHERE}"


def malformed_pair(key_id: str, secret: str) -> AuthenticationError | None:
    """Return the refusal of what can be no key or no secret, whatever keys there are; None for what looks like both."""
    if key_id.startswith(SECRET_PREFIX) and secret.startswith(KEY_PREFIX):
        what = "The key and the secret are swapped."
    elif not key_id.startswith(KEY_PREFIX) or not KEY_ID_FORM.fullmatch(key_id):
        what = "The value of X-Api-Key is not an API key of Clearway."
    elif not secret.startswith(SECRET_PREFIX):
        what = "The value of X-Api-Secret is not the secret of an API key."
    else:
        return None
    return AuthenticationError("credentials_malformed", f"{what} Nothing was done. {BOTH} {WHERE}")


def bearer_key() -> AuthenticationError:
    """Return the refusal of a text that is no access token, such as the key of another service sent as one."""
    detail = f"The text after `Bearer` is not an access token. Nothing was done. {BOTH} {WHERE}"
    return AuthenticationError("credentials_malformed", detail)
