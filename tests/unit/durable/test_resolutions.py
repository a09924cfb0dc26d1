"""Operators' decisions as they are typed into a signal: what a run could not use is refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from clearway.domain.limits import AMOUNT_MINOR_MAX
from clearway.durable.messages import Resolution, resolution_of

TYPED = {"outcome": "success", "operator": "ana", "reason": "seen at the acquirer"}


@pytest.mark.parametrize("amount", [0, -1, "999", 9.5, 999.0, True, AMOUNT_MINOR_MAX + 1])
def test_an_amount_is_a_number_of_minor_units(amount: Any) -> None:
    """An amount of another form is refused: the ledger would record it, or the run would fail on it."""
    with pytest.raises(ValueError, match="integer number of minor units"):
        resolution_of(TYPED | {"amount": amount})


@pytest.mark.parametrize("given", [None, 5, "failed", [], {}, {"outcome": "failed"}, TYPED | {"amount_minor": 999}])
def test_a_decision_has_its_fields_and_no_others(given: Any) -> None:
    """A missing field and an unknown one, such as a misspelt amount, are refused: nothing is booked for it."""
    with pytest.raises(ValueError, match="it must look like"):
        resolution_of(given)


def test_what_is_typed_in_full_is_taken() -> None:
    """All fields, with the amount that moved."""
    assert resolution_of(TYPED | {"amount": 999, "gateway_reference": "sim_pay_1"}) == Resolution(
        "success", "ana", "seen at the acquirer", "sim_pay_1", 999
    )
