"""All that a page of one order shows: the order, the look, the form with its options, and the signed result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from api.hosted import paying, policy
from api.hosted.appearance import Appearance
from api.hosted.visits import Visit
from api.http.services import ApiServices
from clearway.checkout.opening import OpenOrder
from clearway.checkout.options import Option, options_of
from clearway.checkout.stages import Stage
from clearway.domain.merchant import Mode
from clearway.payments.returning import signed_parameters, with_parameters


@dataclass(frozen=True)
class Scene:
    """What is shown. token, values, errors: of the form. result: of the payment that paid the order, signed."""

    opened: OpenOrder
    look: Appearance
    options: tuple[Option, ...] = ()
    token: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None

    @property
    def test_mode(self) -> bool:
        """Whether the merchant is a test merchant."""
        return self.opened.payable.mode is Mode.TEST


async def scene_of(services: ApiServices, visit: Visit, opened: OpenOrder, look: Appearance) -> Scene:
    """Return what the page shows now."""
    scene = Scene(opened, look)
    if opened.stage is Stage.PAID:
        return replace(scene, result=_result(services, visit, scene))
    if opened.stage is not Stage.PAY:
        return scene
    return with_form(services, scene, await options_of(services, opened, choose_gateway=look.choose_gateway))


def with_form(services: ApiServices, scene: Scene, options: tuple[Option, ...]) -> Scene:
    """Return the same with a form that can be sent."""
    return replace(scene, options=options, token=paying.fresh_token(services, scene.opened, options))


def _result(services: ApiServices, visit: Visit, scene: Scene) -> dict[str, Any] | None:
    """Return the result for the shop: the signed parameters, and the return URL with them, if the shop gave one."""
    payment = scene.opened.latest
    if payment is None:
        return None
    returned = paying.Paid(payment.id, scene.opened.payable.merchant_id, payment.status)
    parameters = signed_parameters(services.settings, returned, int(time.time()))
    url = policy.return_address(visit.return_url, scene.look.allowed_origins, test_mode=scene.test_mode)
    return {
        **parameters,
        "order_id": scene.opened.payable.resource.id,
        "return_url": None if url is None else with_parameters(url, parameters),
    }
