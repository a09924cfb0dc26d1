"""The API answers as a small model of it does, for every request in every order."""

from __future__ import annotations

import asyncio
from typing import Final

import httpx
import pytest
from hypothesis import Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from clearway.dev.stack import Stack
from clearway.settings import TEST_API_KEY, TEST_API_SECRET
from tests.fire.fuzz.conftest import Budget
from tests.fire.fuzz.shop_machine import ShopMachine

EXAMPLES: Final = 12
STEPS: Final = 25


@pytest.mark.timeout(3_600)
async def test_the_api_answers_as_the_model_does(fuzz_stack: Stack, fuzz_budget: Budget) -> None:
    """Codes, amounts and statuses agree with the model after every call; a key repeats an answer and nothing else."""
    chosen = settings(
        max_examples=fuzz_budget.examples or EXAMPLES,
        stateful_step_count=STEPS,
        database=None,
        # each step of a shorter story would be real payments again, so a failing story is reported unshortened
        phases=(Phase.generate,) if fuzz_budget.examples is None else (Phase.generate, Phase.shrink),
        print_blob=True,
    )
    try:
        await asyncio.to_thread(_run, fuzz_stack, chosen, fuzz_budget.seed)
    except Exception as error:
        error.add_note(str(fuzz_budget))
        raise


def _run(stack: Stack, chosen: settings, chance: int) -> None:
    headers = {"X-Api-Key": TEST_API_KEY, "X-Api-Secret": TEST_API_SECRET}
    api = httpx.Client(base_url=f"{stack.api_url}/api/v1", headers=headers, timeout=60, trust_env=False)
    with api, httpx.Client(trust_env=False, timeout=60) as gateway:
        machine = type("Machine", (ShopMachine,), {"http": api, "gateway": gateway})
        run_state_machine_as_test(seed(chance)(machine), settings=chosen)
