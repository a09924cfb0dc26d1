"""Routing keeps to the methods that a merchant uses a gateway for."""

from __future__ import annotations

from clearway.domain.payment import PaymentMethod
from clearway.domain.routing import Why, decide
from clearway.domain.routing_program import EMPTY
from tests.unit.domain.test_routing import FACTS, A, B, C, Takes, candidate


def test_a_gateway_is_used_only_for_the_methods_that_were_chosen() -> None:
    """A method that the merchant left out goes to another gateway; what the gateway cannot do at all is said first."""
    gateways = [
        candidate(A, chosen=frozenset({PaymentMethod.UPI})),
        candidate(B, chosen=frozenset({PaymentMethod.CARD})),
        candidate(C, chosen=frozenset({PaymentMethod.UPI}), expresses=Takes(frozenset({PaymentMethod.UPI}))),
    ]

    decision = decide(EMPTY, None, FACTS, gateways)

    assert decision.gateways == (B,)
    assert [(each.gateway_id, each.why, each.reason.split(":")[0]) for each in decision.left_out] == [
        (A, Why.CANNOT, "you do not use it for card payments"),
        (C, Why.CANNOT, "it does not take card"),
    ]
