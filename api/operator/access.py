"""Who may use `/operator`: operators of the installation. Each read is an audit row; an act has a row of its own.

A page that polls is one look (`api.auth.operators.Looks`).
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Request

from api.auth.operators import check_operator
from api.auth.session import Caller, SignedInDep
from api.http.problems import TO_PEOPLE
from api.http.routing import Router
from api.http.services import ServicesDep
from clearway.domain.ids import INSTALLATION

TO_OPERATORS: Final = (*TO_PEOPLE, "operator_only", "operator_totp_required")


async def operator(request: Request, caller: SignedInDep, services: ServicesDep) -> Caller:
    """Return the operator who makes the request, and record the read. Raises ForbiddenError."""
    check_operator(caller.user, services.settings)
    if request.method == "GET":
        looked = {"session_id": caller.user.session_id, "subject_id": INSTALLATION}
        await services.operator_looks.note(services, caller.actor, request, **looked)
    return caller


OperatorDep = Annotated[Caller, Depends(operator)]


def operator_router() -> Router:
    """Return a router whose routes are for operators only."""
    return Router(prefix="/operator", tags=["operator"], dependencies=[Depends(operator)])
