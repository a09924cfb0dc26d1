"""What a gateway is answered."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class NewsTaken(BaseModel):
    """The webhook is stored. ignored: it was signed well, and has no meaning for us."""

    status: Literal["received", "signalled", "late", "ignored"]
