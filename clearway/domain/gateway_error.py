"""What a gateway's error means beyond its decline code: its cause, and whether another gateway may help."""

from __future__ import annotations

from enum import StrEnum


class Elsewhere(StrEnum):
    """Whether another gateway may be tried for the same payment after this error."""

    YES = "yes"
    NO = "no"
    STEP_UP = "step_up"
    """Only with the customer, who must authenticate."""


class Cause(StrEnum):
    """The cause of an error. It decides what counts toward a gateway's health and success rate."""

    CUSTOMER = "customer"
    """Wrong data, a cancelled page, a failed 3-D Secure: says nothing about the gateway."""
    ISSUER = "issuer"
    """The bank or wallet declined: counts toward the success rate."""
    GATEWAY = "gateway"
    """The gateway failed or is overloaded: counts toward the circuit breaker."""
    SETUP = "setup"
    """The merchant's account or key at the gateway: no payment can succeed until somebody corrects it."""
    REQUEST = "request"
    """The request cannot be carried out as it is: its amount, its state, or a fault of Clearway."""
