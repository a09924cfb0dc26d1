"""How the demonstration is printed: requests that can be pasted, and an end as soon as a check fails."""

from __future__ import annotations

import shlex

import pytest

from clearway.cli.merchant_api import MerchantApi
from clearway.cli.problems import StoryError
from clearway.cli.story import Story, curl
from clearway.settings import TEST_API_KEY, TEST_API_SECRET


def test_a_request_is_shown_as_a_command_to_paste() -> None:
    """The shell reads it as one command with the body in one piece."""
    with MerchantApi("http://127.0.0.1:8000", TEST_API_KEY, TEST_API_SECRET) as api:
        words = shlex.split(curl(api, "POST", "/orders", {"receipt": "it's one"}, "key-1"))
    assert words[:3] == ["curl", "-s", "http://127.0.0.1:8000/api/v1/orders"]
    assert "Idempotency-Key: key-1" in words
    assert words[-1] == '{"receipt": "it\'s one"}'


def test_credentials_that_are_not_published_are_not_shown() -> None:
    """What is printed ends up in logs and on screens."""
    with MerchantApi("http://127.0.0.1:8000", "key_live", "secret_live") as api:
        shown = curl(api, "GET", "/orders", None, None)
    assert "secret_live" not in shown
    assert '"X-Api-Secret: $CLEARWAY_API_SECRET"' in shown


def test_a_promise_that_does_not_hold_ends_the_story() -> None:
    """The line names the step and the expected result."""
    with MerchantApi("http://127.0.0.1:8000", TEST_API_KEY, TEST_API_SECRET) as api:
        story = Story(api, silent=True, pauses=False)
        story.step("A refund", "why")
        story.check("it is there", held=True)
        with pytest.raises(StoryError, match=r"step 1 \(A refund\).*: the books balance"):
            story.check("the books balance", held=False)
    assert story.as_json()[0]["held"] == ["it is there"]
