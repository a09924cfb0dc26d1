"""The requests of `/reconciliations`."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from api.http.fields import Body, Findings, Id, Time
from clearway.domain.reconciliation import ItemState


class ReconciliationCreate(Body):
    """A gateway and a period: a `date` of the gateway's own days, or `since` and `until`."""

    gateway_id: Annotated[Id, Field(description="Your gateway, `gw_…`.")]
    date: Annotated[dt.date | None, Field(description="One day in the gateway's time zone.")] = None
    since: Annotated[Time | None, Field(description="The beginning of the period.")] = None
    until: Annotated[Time | None, Field(description="The end of the period, which is not part of it.")] = None

    @model_validator(mode="after")
    def _one_period(self) -> Self:
        if (self.date is None) == (self.since is None) or (self.since is None) != (self.until is None):
            raise ValueError("Send either `date`, or `since` and `until`")
        return self


class ItemResolve(Body):
    """How an item is closed."""

    outcome: Annotated[
        Literal["explained", "corrected", "written_off"],
        Field(
            description="`explained`: nothing is wrong. `corrected`: it was put right, such as by a refund. "
            "`written_off`: the difference is given up, and booked in the ledger."
        ),
    ]
    reason: Annotated[
        Findings,
        Field(description="What you found out. It is stored."),
    ]

    @property
    def state(self) -> ItemState:
        """The state that the item gets."""
        return ItemState(self.outcome)
