"""The banks and wallets that a customer may choose, by the codes of gateways. Test merchants get test codes too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clearway.domain.merchant import Mode

BANKS: Final[Mapping[str, str]] = {
    "SBIN": "State Bank of India",
    "HDFC": "HDFC Bank",
    "ICIC": "ICICI Bank",
    "UTIB": "Axis Bank",
    "KKBK": "Kotak Mahindra Bank",
    "PUNB_R": "Punjab National Bank",
    "BARB_R": "Bank of Baroda",
    "CNRB": "Canara Bank",
    "UBIN": "Union Bank of India",
    "BKID": "Bank of India",
    "IDIB": "Indian Bank",
    "IDFB": "IDFC FIRST Bank",
    "INDB": "IndusInd Bank",
    "YESB": "Yes Bank",
    "FDRL": "Federal Bank",
    "IBKL": "IDBI Bank",
    "CBIN": "Central Bank of India",
    "IOBA": "Indian Overseas Bank",
    "UCBA": "UCO Bank",
    "RATN": "RBL Bank",
    "KVBL": "Karur Vysya Bank",
    "SIBL": "South Indian Bank",
    "BDBL": "Bandhan Bank",
}
"""Codes: the first four letters of the bank's IFSC, as Razorpay lists them; `_R` is retail banking."""
WALLETS: Final[Mapping[str, str]] = {
    "paytm": "Paytm",
    "phonepe": "PhonePe",
    "amazonpay": "Amazon Pay",
    "mobikwik": "MobiKwik",
    "freecharge": "Freecharge",
    "airtelmoney": "Airtel Money",
    "jiomoney": "JioMoney",
}
TEST_BANKS: Final[Mapping[str, str]] = {
    "SUCC": "Test bank: success",
    "PAGE": "Test bank: with a log-in page",
    "FAIL": "Test bank: declined",
    "DOWN": "Test bank: unavailable",
    "PEND": "Test bank: pending",
}
TEST_WALLETS: Final[Mapping[str, str]] = {
    "success": "Test wallet: success",
    "failure": "Test wallet: declined",
    "lowfunds": "Test wallet: too little money",
    "pending": "Test wallet: pending",
}


def banks(mode: Mode) -> Mapping[str, str]:
    """Return the banks by code."""
    return {**TEST_BANKS, **BANKS} if mode is Mode.TEST else BANKS


def wallets(mode: Mode) -> Mapping[str, str]:
    """Return the wallets by code."""
    return {**TEST_WALLETS, **WALLETS} if mode is Mode.TEST else WALLETS
