"""What each test value does: pure tables and one function. `docs/testing-values.md` documents it.

A scenario is all that the simulator stores of an instrument, so no card number is stored.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Final

from clearway.simulator.fault_kinds import FaultKind


class Outcome(StrEnum):
    """How a payment ends."""

    CHANCE = "chance"
    """The settings force it, or the success rate of the method decides."""
    APPROVE = "approve"
    DECLINE = "decline"
    NEVER = "never"
    """It stays pending until it is voided."""


class Challenge(StrEnum):
    """The page that the customer must visit before the payment is decided."""

    NONE = "none"
    THREE_DS = "3ds"
    UPI = "upi"
    INTENT = "intent"
    """The customer pays in a UPI app. In tests, the page `/upi/<reference>` stands for the app."""
    BANK = "bank"


class RefundCourse(StrEnum):
    """The course of the payment's refunds."""

    USUAL = "usual"
    PENDING = "pending"
    """Pending at first, even without a processing delay, then succeeded."""
    REVERSED = "reversed"
    """Succeeded at once, then failed: the money comes back to the merchant."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Scenario:
    """The behaviour of one instrument. failure: one of `failures.MESSAGES`, when the outcome is DECLINE."""

    outcome: Outcome = Outcome.CHANCE
    failure: str | None = None
    challenge: Challenge = Challenge.NONE
    refund: RefundCourse = RefundCourse.USUAL
    fault: FaultKind | None = None
    """A fault met by the first requests with a key, as if a switch had been set."""
    refund_fault: FaultKind | None = None

    def to_json(self) -> dict[str, str | None]:
        """Return a form that `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, str | None]) -> Scenario:
        """Read what `to_json` wrote."""
        fault, refund_fault = stored["fault"], stored["refund_fault"]
        return cls(
            outcome=Outcome(stored["outcome"] or ""),
            failure=stored["failure"],
            challenge=Challenge(stored["challenge"] or ""),
            refund=RefundCourse(stored["refund"] or ""),
            fault=FaultKind(fault) if fault else None,
            refund_fault=FaultKind(refund_fault) if refund_fault else None,
        )


CHANCE: Final = Scenario()
APPROVE: Final = Scenario(Outcome.APPROVE)
NEVER: Final = Scenario(Outcome.NEVER)
THREE_DS: Final = Scenario(Outcome.APPROVE, challenge=Challenge.THREE_DS)
UNKNOWN_INSTRUMENT: Final = Scenario(Outcome.DECLINE, "unknown_instrument")


def _decline(failure: str) -> Scenario:
    return Scenario(Outcome.DECLINE, failure)


_APPROVED_CARDS: Final = (
    "4242424242424242",
    "4000056655665556",
    "5555555555554444",
    "2223003122003222",
    "5200828282828210",
    "5105105105105100",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6011000990139424",
    "6011981111111113",
    "3056930009020004",
    "3566002020360505",
    "6200000000000005",
    "4111111111111111",
    "5267318187975449",
    "4000000000000077",
    "4000000000003055",  # 3-D Secure is supported and not required: no challenge
    "4000000000003097",
)
_CHALLENGED_CARDS: Final = (
    "4000000000003220",
    "4000000000003063",
    "4000002500003155",
    "4000002760003184",
    "4000003800000446",
    "4000000000003238",
    "4000000000003246",
    "4000000000003253",
)

CARDS: Final[dict[str, Scenario]] = {
    **dict.fromkeys(_APPROVED_CARDS, APPROVE),
    **dict.fromkeys(_CHALLENGED_CARDS, THREE_DS),
    "4000000000000002": _decline("generic_decline"),
    "4000000000000341": _decline("generic_decline"),
    "4000000000009995": _decline("insufficient_funds"),
    "4100280000080001": _decline("insufficient_funds"),
    "4000000000009987": _decline("lost_card"),
    "4000000000009979": _decline("stolen_card"),
    "4000000000000069": _decline("expired_card"),
    "4000000000000127": _decline("incorrect_cvc"),
    "4000000000000119": _decline("processing_error"),
    "4000000000006975": _decline("card_velocity_exceeded"),
    "4100000000000019": _decline("highest_risk_level"),
    "4100280000090000": _decline("customer_timeout"),
    "4000008400001280": _decline("authentication_unavailable"),
    "4000008400001629": replace(_decline("generic_decline"), challenge=Challenge.THREE_DS),
    "4000008260003178": replace(_decline("insufficient_funds"), challenge=Challenge.THREE_DS),
    "4000000000007726": replace(APPROVE, refund=RefundCourse.PENDING),
    "4000000000005126": replace(APPROVE, refund=RefundCourse.REVERSED),
}
"""Stripe's test cards (docs.stripe.com/testing) and three of Razorpay's. Any other valid number is left to chance."""

VPAS: Final[dict[str, Scenario]] = {
    "success@razorpay": APPROVE,
    "failure@razorpay": _decline("upi_declined"),
    "pending@razorpay": NEVER,
    "approve@clearway": replace(APPROVE, challenge=Challenge.UPI),
    "lowfunds@clearway": _decline("insufficient_funds"),
    "wrongpin@clearway": _decline("incorrect_upi_pin"),
    "expired@clearway": _decline("customer_timeout"),
    "refundpending@clearway": replace(APPROVE, refund=RefundCourse.PENDING),
    "refundreversed@clearway": replace(APPROVE, refund=RefundCourse.REVERSED),
    "refundfails@clearway": replace(APPROVE, refund=RefundCourse.FAILED),
    "refundtimeout@clearway": replace(APPROVE, refund_fault=FaultKind.EXECUTED_THEN_TIMEOUT),
    "refunderror500@clearway": replace(APPROVE, refund_fault=FaultKind.ERROR_AFTER_CHARGE),
    "timeout@clearway": replace(APPROVE, fault=FaultKind.EXECUTED_THEN_TIMEOUT),
    "dropped@clearway": replace(APPROVE, fault=FaultKind.EXECUTED_THEN_DROPPED),
    "error500@clearway": replace(APPROVE, fault=FaultKind.ERROR_AFTER_CHARGE),
    "error503@clearway": replace(APPROVE, fault=FaultKind.ERROR_BEFORE),
    "ratelimited@clearway": replace(APPROVE, fault=FaultKind.RATE_LIMITED),
    "malformed@clearway": replace(APPROVE, fault=FaultKind.MALFORMED),
    "wrongamount@clearway": replace(APPROVE, fault=FaultKind.WRONG_AMOUNT),
    "slow@clearway": replace(APPROVE, fault=FaultKind.SLOW),
    "unknown@clearway": replace(APPROVE, fault=FaultKind.NOT_FOUND_YET),
    "duplicate@clearway": replace(APPROVE, fault=FaultKind.DUPLICATE_WEBHOOK),
    "latewebhook@clearway": replace(APPROVE, fault=FaultKind.LATE_WEBHOOK),
    "reordered@clearway": replace(APPROVE, fault=FaultKind.REORDERED_WEBHOOK),
    "nowebhook@clearway": replace(APPROVE, fault=FaultKind.NO_WEBHOOK),
}
"""Razorpay's VPAs, and our own for further scenarios. Compared without regard to case."""

UPI_AMOUNTS: Final[dict[int, Scenario]] = {
    20_100: _decline("insufficient_funds"),
    40_200: _decline("upi_declined"),
    20_400: _decline("incorrect_upi_pin"),
    30_200: _decline("customer_cancelled"),
}
"""Razorpay's 201, 402, 204 and 302, read as rupees: INR amounts in paise, for UPI with a VPA of no meaning."""

BANKS: Final[dict[str, Scenario]] = {
    "SUCC": APPROVE,
    "FAIL": _decline("bank_declined"),
    "DOWN": _decline("bank_unavailable"),
    "PEND": NEVER,
    "PAGE": replace(APPROVE, challenge=Challenge.BANK),
}

WALLETS: Final[dict[str, Scenario]] = {
    "success": APPROVE,
    "failure": _decline("wallet_declined"),
    "lowfunds": _decline("insufficient_funds"),
    "pending": NEVER,
    "refundfails": replace(APPROVE, refund=RefundCourse.FAILED),
}

CHANCE_FAILURES: Final = {
    "upi": ("upi_declined", "insufficient_funds", "incorrect_upi_pin", "customer_timeout"),
    "card": ("generic_decline", "insufficient_funds", "processing_error"),
    "netbanking": ("bank_declined", "bank_unavailable"),
    "wallet": ("wallet_declined", "insufficient_funds"),
}
"""What a payment that fails by chance fails with; a forced failure takes the first."""

BRIEF_INTENT_AMOUNT: Final = 30_300
BRIEF_INTENT_S: Final = 5.0
"""The UPI intent of this amount ends soon, for those who test what a late customer sees."""

METHODS: Final = tuple(CHANCE_FAILURES)
_VPA: Final = re.compile(r"[A-Za-z0-9._-]{2,256}@[A-Za-z][A-Za-z0-9]{1,63}")
_CODE: Final = re.compile(r"[A-Za-z0-9_-]{2,32}")


def of_vpa(vpa: str, *, amount: int, currency: str) -> Scenario:
    """Return the scenario of a UPI payment. A VPA with a meaning wins over an amount with one."""
    if not _VPA.fullmatch(vpa):
        return UNKNOWN_INSTRUMENT
    by_amount = UPI_AMOUNTS.get(amount, CHANCE) if currency == "INR" else CHANCE
    return VPAS.get(vpa.lower(), by_amount)


def of_intent(*, amount: int, currency: str) -> Scenario:
    """Return the scenario of a UPI payment by intent: the customer decides in their app, unless the amount does."""
    by_amount = UPI_AMOUNTS.get(amount, APPROVE) if currency == "INR" else APPROVE
    return replace(by_amount, challenge=Challenge.INTENT)


def intent_life_s(amount: int, usual_s: float) -> float:
    """Return how long the intent of this amount may be paid."""
    return min(BRIEF_INTENT_S, usual_s) if amount == BRIEF_INTENT_AMOUNT else usual_s


def of_bank(code: str) -> Scenario:
    """Return the scenario of a netbanking payment."""
    return BANKS.get(code.upper(), CHANCE) if _CODE.fullmatch(code) else UNKNOWN_INSTRUMENT


def of_wallet(code: str) -> Scenario:
    """Return the scenario of a wallet payment."""
    return WALLETS.get(code.lower(), CHANCE) if _CODE.fullmatch(code) else UNKNOWN_INSTRUMENT
