"""Every route that changes something says which row it leaves in the audit log, or why it leaves none."""

from __future__ import annotations

from typing import Final

import pytest
from fastapi.routing import APIRoute

from api.app import ROUTERS
from clearway.domain.api import API_PREFIX
from tests.unit.tidy.source import ROOT

CHANGING: Final = {"POST", "PUT", "PATCH", "DELETE"}

AUDITED: Final = {
    "POST /payments": "payment.create",
    "POST /payments/{payment_id}/capture": "payment.capture",
    "POST /payments/{payment_id}/cancel": "payment.cancel",
    "POST /payments/{payment_id}/retry": "payment.retry",
    "POST /payments/{payment_id}/forget": "payment.forget",
    "POST /orders/{order_id}/cancel": "order.cancel",
    "POST /payments/{payment_id}/resolve": "payment.resolve",
    "POST /payments/{payment_id}/refunds": "payment.refund",
    "POST /refunds/{refund_id}/resolve": "refund.resolve",
    "POST /webhook_endpoints": "webhook_endpoint.create",
    "PATCH /webhook_endpoints/{endpoint_id}": "webhook_endpoint.update",
    "DELETE /webhook_endpoints/{endpoint_id}": "webhook_endpoint.delete",
    "POST /webhook_endpoints/{endpoint_id}/rotate_secret": "webhook_endpoint.rotate_secret",
    "POST /webhook_endpoints/{endpoint_id}/recover": "webhook_endpoint.recover",
    "POST /api_keys": "api_key.create",
    "POST /api_keys/{key_id}/rotate": "api_key.rotate",
    "POST /api_keys/{key_id}/revoke": "api_key.revoke",
    "POST /gateways": "gateway.create",
    "POST /gateways/export": "gateways.export",
    "POST /gateways/import": "gateway.update",
    "PATCH /gateways/{gateway_id}": "gateway.update",
    "POST /gateways/{gateway_id}/enable": "gateway.update",
    "POST /gateways/{gateway_id}/disable": "gateway.update",
    "DELETE /gateways/{gateway_id}": "gateway.delete",
    "POST /gateways/{gateway_id}/breaker/reset": "gateway.reset_breaker",
    "POST /gateway_events/replay": "gateway_event.replay",
    "POST /gateway_events/{gateway_event_id}/replay": "gateway_event.replay",
    "PUT /errors/overrides": "error_override.put",
    "DELETE /errors/overrides/{override_id}": "error_override.delete",
    "POST /routing/versions": "routing_version.create",
    "POST /routing/versions/{number}/activate": "routing_version.activate",
    "POST /routing/rollback": "routing_version.roll_back",
    "DELETE /routing": "routing_version.deactivate",
    "POST /reconciliations": "reconciliation.start",
    "POST /reconciliations/imports": "settlement.import",
    "POST /reconciliations/items/{item_id}/resolve": "reconciliation_item.resolve",
    "PATCH /settings": "settings.change",
    "PATCH /members/{user_id}": "membership.change",
    "DELETE /members/{user_id}": "membership.remove",
    "POST /invitations": "invitation.create",
    "POST /invitations/accept": "invitation.accept",
    "POST /invitations/accept_new": "invitation.accept",
    "POST /invitations/{invitation_id}/resend": "invitation.resend",
    "POST /invitations/{invitation_id}/revoke": "invitation.revoke",
    "POST /operator/reviews/{review_id}/close": "review.close",
    "POST /operator/jobs/run": "job.run",
    "POST /operator/mails/{mail_id}/resend": "mail.resend",
}
"""The action of each route's row."""

NOT_AUDITED: Final = {
    "POST /orders": "an order is a row of its own, and moves nothing",
    "POST /payments/public": "a customer pays; a payment has its row, attempts and events",
    "POST /fx/quotes": "a quote is a row of its own, and moves nothing",
    "POST /webhook_endpoints/{endpoint_id}/test": "a delivery and its attempts say what was sent",
    "POST /webhooks/{delivery_id}/retry": "a delivery and its attempts say what was sent",
    "POST /events/{event_id}/resend": "a delivery and its attempts say what was sent",
    "POST /gateways/{gateway_id}/test": "changes nothing",
    "POST /gateways/{gateway_id}/dry_run": "changes nothing",
    "POST /routing/validate": "changes nothing",
    "POST /routing/versions/{number}/dry_run": "changes nothing",
    "POST /routing/explain": "changes nothing",
    "POST /invitations/preview": "changes nothing",
    "PUT /notices": "people choose their own e-mails, nobody else's",
    **dict.fromkeys(
        (f"{method} /gateways/{{gateway_id}}/webhook" for method in ("POST", "PUT", "PATCH", "DELETE")),
        "a gateway's event is a record of its own",
    ),
    "POST /saved_views": "people keep their own views of lists",
    "PATCH /saved_views/{view_id}": "people keep their own views of lists",
    "DELETE /saved_views/{view_id}": "people keep their own views of lists",
}
"""Why a route leaves no row."""

OF_PEOPLE: Final = ("/auth", "/users")
"""What people do with their own profile and sessions: tests/services/api/test_sessions.py."""


def _changing() -> set[str]:
    routes = (route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute))
    return {
        f"{method} {route.path.removeprefix(API_PREFIX)}"
        for route in routes
        for method in route.methods & CHANGING
        if not route.path.removeprefix(API_PREFIX).startswith(OF_PEOPLE)
    }


def test_every_changing_route_is_in_one_of_the_lists() -> None:
    """A new route is either audited or says why not; neither list names what is gone."""
    assert _changing() == AUDITED.keys() | NOT_AUDITED.keys()
    assert not AUDITED.keys() & NOT_AUDITED.keys()


@pytest.mark.parametrize("action", sorted(set(AUDITED.values())))
def test_the_action_is_written_somewhere(action: str) -> None:
    """A name in the list that no code writes would prove nothing."""
    noun, _, verb = action.partition(".")
    sources = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "clearway").rglob("*.py"))]
    assert any(f'"{noun}.{verb}"' in source for source in sources), action
