"""Rendering: templates of `web/checkout/templates` with the texts of the reader's language. Everything is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from api.hosted import appearance, intents, policy
from api.hosted.appearance import Appearance
from api.hosted.assets import WEB, Assets
from api.hosted.intents import Intent
from api.hosted.languages import NAMES
from api.hosted.scenes import Scene
from api.hosted.visits import Visit, visit_of
from clearway.checkout import choices
from clearway.checkout.opening import OpenOrder
from clearway.checkout.stages import MOVING, Stage
from clearway.domain.gateway import GatewayKind
from clearway.domain.resources import PaymentResource
from clearway.gateways.errors import by_decline_code
from clearway.settings import Settings

CALLED_OFF: Final = frozenset({"cancelled", "customer_cancelled"})
"""Status or error of a payment that its customer did not want."""
HELP: Final = ("methods", "security", "faq", "troubleshooting", "terms")
"""The pages for customers' questions."""


class Pages:
    """The pages of one process."""

    def __init__(self, settings: Settings, assets: Assets) -> None:
        self.settings = settings
        self.assets = assets
        self._templates = Environment(
            loader=FileSystemLoader(WEB / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )

    def order(self, visit: Visit, scene: Scene, *, status: int = 200) -> Response:
        """Return the page of an order."""
        allowed, framed_by = scene.look.allowed_origins, None
        if visit.embed:
            framed_by = policy.framing_origin(visit.origin, allowed, test_mode=scene.test_mode)
            if framed_by is None:
                return self._message(visit, scene.look, "not_framed", status=403)
        needed = [option.side.content_sources for option in scene.options]
        if scene.test_mode:
            needed.append({"connect-src": (self._simulator_url,)})  # it makes tokens of test cards
        headers = policy.headers(visit.nonce, needed, framed_by=framed_by)
        page = self._render("order.html", visit, scene.look, framed_by=framed_by or "", **self._stage(visit, scene))
        return HTMLResponse(page, status, headers)

    def stage(self, visit: Visit, scene: Scene) -> str:
        """Return only the part of the page that changes, for its script."""
        return self._render("stage.html", visit, scene.look, **self._stage(visit, scene))

    def help(self, visit: Visit, look: Appearance, subject: str) -> Response:
        """Return a page of help."""
        own_text = look.help_texts.get(subject, "")
        page = self._render("help.html", visit, look, subject=subject, own_text=own_text)
        return HTMLResponse(page, 200, policy.headers(visit.nonce))

    def problem(self, request: Request, status: int, code: str, headers: Mapping[str, str]) -> Response:
        """Return the page of an error."""
        visit = visit_of(request, str(request.path_params.get("order_id", "")))
        answer = self._message(visit, appearance.NONE, _page_of(status, code), status=status)
        answer.headers.update(headers)
        return answer

    def problem_text(self, request: Request, status: int, code: str) -> str:
        """Return what an error says to the customer."""
        return visit_of(request, "").language.text(f"problem.{_page_of(status, code)}.text")

    def _message(self, visit: Visit, look: Appearance, name: str, *, status: int) -> Response:
        heading, message = (visit.language.text(f"problem.{name}.{part}") for part in ("title", "text"))
        page = self._render("message.html", visit, look, name=name, heading=heading, message=message)
        return HTMLResponse(page, status, policy.headers(visit.nonce))

    def _stage(self, visit: Visit, scene: Scene) -> dict[str, Any]:
        opened = scene.opened
        order, latest, mode = opened.payable.resource, opened.latest, opened.payable.mode
        return {
            "scene": scene,
            "order": order,
            "amount": visit.language.amount(order.amount, order.currency),
            "stage": opened.stage.value,
            "moving": opened.stage in MOVING,
            "payment": latest,
            "upi": self._intent(opened),
            "failure": _failure(visit, latest) if opened.stage is Stage.PAY and latest is not None else None,
            "called_off": latest is not None and bool(CALLED_OFF & {latest.error_code, latest.status.value}),
            "options": scene.options,
            "form": {"values": scene.values, "errors": scene.errors, "token": scene.token},
            "back_url": policy.return_address(visit.return_url, scene.look.allowed_origins, test_mode=scene.test_mode),
            "return_url": scene.result["return_url"] if scene.result else None,
            "banks": choices.banks(mode),
            "wallets": choices.wallets(mode),
            "test_mode": scene.test_mode,
            "tokens_url": f"{self._simulator_url}/v1/tokens",
        }

    def _intent(self, opened: OpenOrder) -> Intent | None:
        """Return the UPI intent that the customer must pay by, if there is one."""
        latest = opened.latest
        if opened.stage is not Stage.REQUIRES_ACTION or latest is None or latest.next_action is None:
            return None
        if latest.next_action.type != "upi_intent":
            return None
        return intents.of(latest.next_action, self._simulator_url if latest.gateway == GatewayKind.SIMULATOR else None)

    def _render(self, template: str, visit: Visit, look: Appearance, **given: Any) -> str:
        return self._templates.get_template(template).render(
            visit=visit,
            t=visit.language.text,
            look=look,
            languages=NAMES,
            assets=self.assets,
            help_pages=HELP,
            page_url=lambda code: visit.url(*(("help", given["subject"]) if "subject" in given else ()), lang=code),
            **given,
        )

    @property
    def _simulator_url(self) -> str:
        return (self.settings.simulator_public_url or self.settings.simulator_url).rstrip("/")


def _failure(visit: Visit, latest: PaymentResource) -> str:
    """Say why the last payment ended, in the reader's language, and that no money was taken."""
    key = f"error.{latest.error_code or latest.status}"
    if key in visit.language.texts:
        return visit.language.text(key)
    return by_decline_code(latest.error_code).customer_text if latest.error_code else visit.language.text("error.other")


def _page_of(status: int, code: str) -> str:
    """Return which message an error is to a customer."""
    if code == "order_not_found":
        return "unknown"
    if status == 404:  # noqa: PLR2004
        return "no_page"
    return {429: "too_many", 503: "unavailable", 504: "unavailable"}.get(status, "error")
