"""The simulator's own failure codes.

Some differ from Clearway's unified codes on purpose, as every gateway's do: the connector's `mapping` translates them.
"""

from __future__ import annotations

from typing import Final

MESSAGES: Final = {
    "generic_decline": "The issuer declined the card.",
    "insufficient_funds": "The account has insufficient funds.",
    "lost_card": "The card is reported lost.",
    "stolen_card": "The card is reported stolen.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The card's security code is incorrect.",
    "processing_error": "The issuer had an error while processing the card.",
    "card_velocity_exceeded": "The card is over its balance, credit limit or count of uses.",
    "highest_risk_level": "The payment was blocked as too risky.",
    "authentication_failed": "The cardholder did not pass 3-D Secure authentication.",
    "authentication_unavailable": "The 3-D Secure look-up failed.",
    "customer_cancelled": "The customer cancelled on the payment page.",
    "customer_timeout": "The customer did not answer in time.",
    "merchant_cancelled": "The payment was cancelled before it was decided.",
    "incorrect_upi_pin": "The customer entered a wrong UPI PIN.",
    "upi_declined": "The customer's bank declined the UPI request.",
    "bank_declined": "The bank declined the payment.",
    "bank_unavailable": "The bank is not available at the moment.",
    "wallet_declined": "The wallet declined the payment.",
    "unknown_instrument": "There is no such token, VPA, bank or wallet.",
    "refund_rejected": "The bank of the customer could not accept the refund.",
    "refund_exceeds_captured": "The refund is larger than what is captured and not yet refunded.",
    "capture_exceeds_authorised": "The capture is larger than what is authorised and not yet captured or released.",
    "not_capturable": "The payment is not authorised, or was released.",
    "already_captured": "The money is already captured; refund it instead.",
    "currency_mismatch": "The currency is not that of the payment.",
    "unknown_payment": "There is no such payment.",
}
"""Every failure a payment, capture, void or refund can end with, and what the simulator says of it."""

CARD_MESSAGES: Final = {
    "incorrect_number": "The card number is incorrect.",
    "invalid_expiry_month": "The expiry month is invalid.",
    "invalid_expiry_year": "The expiry year is invalid or in the past.",
    "invalid_cvc": "The security code must have three digits (four for American Express).",
}
"""Why a card is not exchanged for a token."""
