"""Gateway tokens in requests: any opaque text, but never one that could be a card number."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from api.http.fields import Token

TOKEN: TypeAdapter[str] = TypeAdapter(Token)


@pytest.mark.parametrize("token", ["tok_sim_a1b2c3d4", "4111111111111112", "9999999999999995"])
def test_a_token_that_cannot_be_a_card_is_accepted(token: str) -> None:
    """Numeric tokens are accepted if their first digits, length or check digit are not those of a card."""
    assert TOKEN.validate_python(token) == token


def test_a_token_that_could_be_a_card_is_refused_with_the_next_step() -> None:
    """A card number in the wrong field looks the same, so it is never stored; the message says how to get a token."""
    with pytest.raises(ValidationError) as refused:
        TOKEN.validate_python("4111111111111111")
    [error] = refused.value.errors()
    assert error["type"] == "card_number_refused"
    assert "let the gateway create another one" in error["msg"]
    assert "4111" not in error["msg"]
