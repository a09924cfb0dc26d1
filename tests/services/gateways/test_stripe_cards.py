"""Cards at Stripe: numbers of test cards become methods, and methods say which card they are."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from clearway.gateways.contract import CardRefusedError, OutcomeKind
from tests.services.gateways.asking import card
from tests.services.gateways.stripe_account import Account
from tests.services.gateways.stripe_bench import Stripe, connected
from tests.support.receiver import Receiver


@pytest.fixture
async def stripe(account: Account, receiver: Receiver) -> AsyncIterator[Stripe]:
    """Connect to an account."""
    async with connected(account, receiver) as connection:
        yield connection


async def test_test_cards_become_methods(stripe: Stripe) -> None:
    """A known test card is sent by Stripe's name for it, another one is exchanged; a wrong one is refused in words."""
    named = await stripe.gateway.tokenise(card("5555555555554444"))
    assert (named.token, named.brand, named.last4) == ("pm_card_mastercard", "mastercard", "4444")
    made = await stripe.gateway.tokenise(card("4111111111111111"))
    assert made.token.startswith("pm_")
    for token in (named.token, made.token):
        _, outcome = await stripe.paid(token)
        assert outcome.kind is OutcomeKind.APPROVED
    with pytest.raises(CardRefusedError) as refused:
        await stripe.gateway.tokenise(card("4242424242424241"))
    assert refused.value.code == "incorrect_number"


async def test_a_method_says_which_card_it_is_and_stays_usable(stripe: Stripe) -> None:
    """Brand, last digits and expiry of a payment method can be read before it pays; of another token nothing is."""
    made = await stripe.gateway.tokenise(card("4111111111111111"))
    assert await stripe.gateway.describe(made.token) == made
    _, outcome = await stripe.paid(made.token)
    assert outcome.kind is OutcomeKind.APPROVED
    assert await stripe.gateway.describe("tok_visa") is None
    assert await stripe.gateway.describe("pm_of_nobody") is None
