"""The five stand-ins of a running simulator, as their routes reach them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request

from clearway.simulator.facades.hosted.serving import StandIn


def _stand_ins(request: Request) -> Mapping[str, StandIn]:
    found: Mapping[str, StandIn] = request.app.state.hosted
    return found


HostedGateways = Annotated[Mapping[str, StandIn], Depends(_stand_ins)]
