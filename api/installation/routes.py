"""`/installation`: its addresses, for links on pages. Where the workflows are is said to operators only."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Request
from pydantic import BaseModel, Field

from api.auth.operators import acts_as_operator
from api.auth.session import SignedInDep
from api.http.problems import TO_PEOPLE, declare
from api.http.routing import Router
from api.http.services import ServicesDep
from clearway.setting_values import Environment

router = Router(prefix="/installation", tags=["operations"])


class TemporalResource(BaseModel):
    """Where the workflows are."""

    ui_url: Annotated[str | None, Field(description="`TEMPORAL_UI_URL`; null: it is not set.")]
    namespace: str


class InstallationResource(BaseModel):
    """An installation of Clearway."""

    object: Literal["installation"] = "installation"
    version: str
    environment: Environment
    api_url: str
    checkout_url: str
    temporal: Annotated[TemporalResource | None, Field(description="null: you are not an operator.")]


@router.get("", responses=declare(*TO_PEOPLE), summary="Read about the installation")
async def get_installation(caller: SignedInDep, services: ServicesDep, request: Request) -> InstallationResource:
    """Read the version and the addresses of this installation."""
    settings = services.settings
    temporal = TemporalResource(ui_url=settings.temporal_ui_url, namespace=settings.temporal_namespace)
    return InstallationResource(
        version=request.app.version,
        environment=settings.clearway_env,
        api_url=settings.api_public_url,
        checkout_url=settings.checkout_url,
        temporal=temporal if acts_as_operator(caller.user, settings) else None,
    )
