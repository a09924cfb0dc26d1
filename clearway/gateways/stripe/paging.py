"""One page of a list of Stripe, newest first, and where the next one begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import stripe

from clearway.gateways.contract import UNKNOWN, GatewayOutcome, GatewayUnavailableError, OperationKind
from clearway.gateways.stripe.exchange import Answer, ask

LISTED_AT_ONCE: Final = 100

Turn = Callable[[Any], Awaitable[stripe.StripeObject]]
Objects = list[Mapping[str, Any]]


class ListFailedError(GatewayUnavailableError):
    """Stripe gave no list; str(error) says why. outcome: how long to wait, if Stripe said so."""

    def __init__(self, answer: Answer) -> None:
        """Describe the answer that came in place of a list."""
        self.outcome: GatewayOutcome = answer.outcome or UNKNOWN
        said = self.outcome.error_description or self.outcome.raw_code
        super().__init__(f"Stripe refused the list: {said}" if said else "Stripe did not answer with a list")


async def page_of(turn: Turn, asked: Mapping[str, Any], after: str | None) -> tuple[Objects, str | None]:
    """Return the objects of a page, and the cursor of the next; None: it was the last. Raises ListFailedError."""
    page = {**asked, "limit": LISTED_AT_ONCE} | ({"starting_after": after} if after else {})
    answer = await ask(OperationKind.AUTHORISE, lambda: turn(page))
    listed = answer.body.get("data") if answer.body else None
    if answer.body is None or not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
        raise ListFailedError(answer)
    following = str(listed[-1].get("id")) if listed and answer.body.get("has_more") else None
    return listed, following
