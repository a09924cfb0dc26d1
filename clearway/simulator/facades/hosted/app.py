"""The five stand-ins put together: their routes, and the resource with which a merchant sets up an account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import Response

from clearway.simulator.facades.ameriabank.routes import router as ameriabank
from clearway.simulator.facades.arca.routes import router as arca
from clearway.simulator.facades.fastshift.reports import FastShiftChannel
from clearway.simulator.facades.fastshift.routes import router as fastshift
from clearway.simulator.facades.hosted.books import Account
from clearway.simulator.facades.hosted.serving import Foundation, Silent, StandIn, register
from clearway.simulator.facades.hosted.stand_ins import HostedGateways
from clearway.simulator.facades.idram.reports import channel as idram_channel
from clearway.simulator.facades.idram.routes import router as idram
from clearway.simulator.facades.telcell.reports import channel as telcell_channel
from clearway.simulator.facades.telcell.routes import router as telcell

router = APIRouter()


@router.put("/{gateway}/accounts/{name}")
async def put_account(
    gateway: Literal["telcell", "idram", "fastshift", "ameriabank", "arca"],
    name: str,
    account: Account,
    gateways: HostedGateways,
) -> Response:
    """Set up an account, as a merchant agrees it with the gateway by mail or in its cabinet."""
    return register(gateways[gateway], name, account)


for stand_in in (telcell, idram, fastshift, ameriabank, arca):
    router.include_router(stand_in)


def build(foundation: Foundation) -> Mapping[str, StandIn]:
    """Build the stand-ins over the simulator's one engine, journal and faults."""
    foundation.build("telcell", telcell_channel)
    foundation.build("idram", idram_channel)
    foundation.build("fastshift", FastShiftChannel)
    foundation.build("ameriabank", Silent)
    foundation.build("arca", Silent)
    return foundation.stand_ins
