"""The errors people meet: each with a status of its own, and words that help."""

from __future__ import annotations

import re

import pytest

from clearway.domain import errors, refusals
from clearway.domain.errors import DECLINE_CODES, ClearwayError, RateLimitedError


def test_each_error_has_a_status_and_a_title_of_its_own() -> None:
    """Each kind of error has a status of its own, so that a client can distinguish them."""
    # Other layers add kinds of their own; which of them are imported depends on what else is tested.
    kinds = [kind for kind in ClearwayError.__subclasses__() if kind.__module__ == errors.__name__]

    assert sorted(kind.status for kind in kinds) == [400, 401, 403, 404, 409, 422, 429, 503, 504]
    assert len({kind.title for kind in kinds}) == len(kinds)


def test_an_error_reads_as_its_detail() -> None:
    """The log has the same text as the answer."""
    error = RateLimitedError("rate_limited", "Come back in 3 s.", 3)

    assert (str(error), error.code, error.retry_after_s) == ("Come back in 3 s.", "rate_limited", 3)


@pytest.mark.parametrize(("code", "description"), list(DECLINE_CODES.items()))
def test_declines_say_what_it_means_for_the_money(code: str, description: str) -> None:
    """A decline code is a stable word, and its description is a sentence that helps a customer."""
    assert re.fullmatch(r"[a-z][a-z_]+", code)
    assert description.endswith(".")
    assert len(description.split()) > 5


def test_refusals_are_stable_words() -> None:
    """The names of refusals are in histories for ever: they are words, and each is there once."""
    names = [value for name, value in vars(refusals).items() if name.isupper()]

    assert 0 < len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z_]+", name) for name in names)
