"""Reading a gateway's news, as it came in a signal."""

from __future__ import annotations

from clearway.durable.messages import News
from clearway.gateways.contract import GatewayOutcome, OutcomeKind


def outcome_of(news: News) -> GatewayOutcome:
    """Return the outcome that the news tells of."""
    return GatewayOutcome(
        kind=OutcomeKind(news.kind),
        reference=news.reference,
        amount_minor=news.amount_minor,
        currency=news.currency,
        captured=news.captured,
        error_code=news.error_code,
        error_description=news.error_description,
        action_url=news.action_url,
    )
