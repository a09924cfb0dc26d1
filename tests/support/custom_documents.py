"""Documents for the tests of the language: one of a form post with a precheck, one of server calls."""

from __future__ import annotations

import copy
import hashlib
import hmac
from typing import Any, Final

import orjson

from clearway.gateway_configs import documents

ORDER: Final = "889c9d17-2990-59f4-80df-9f07c3cb9d83"
"""The identifiers of the first authorisation of the examples' payment."""
BILL: Final = "VADM5TVOC2NCAGBPCIK54J4MJB"
_CALLS: Final[dict[str, Any]] = {
    "clearway_gateway": 1,
    "title": "Acme",
    "flow": "server_call",
    "addresses": {"api": {"live": "https://acme.example", "test": "https://test.acme.example"}},
    "credentials": {"key": {"description": "The API key."}},
    "settings": {"shop": {"description": "The shop."}},
    "identifiers": {"order": {"form": "uuid5"}},
    "currencies": {"EUR": {"code": "978"}, "JPY": {}},
    "amount": {"format": "decimal", "places": 2},
    "signatures": {"webhook": {"algorithm": "hmac-sha256", "key": {"credential": "key"}, "parts": [{"raw": "body"}]}},
    "authentication": {"kind": "header", "name": "X-Api-Key", "value": {"credential": "key"}},
    "start": {
        "moves_money": False,
        "request": {
            "path": "/shops/{{ setting.shop }}/orders",
            "json": {
                "order": {"identifier": "order"},
                "amount": {"number": {"amount": True}},
                "currency": {"currency": True},
                "return_to": {"url": "return"},
            },
        },
        "answer": {
            "values": {
                "id": {"paths": ["order.id", "id"]},
                "page": {"paths": ["order.page"]},
                "error": {"paths": ["error.code"]},
            },
            "cases": [
                {"when": {"http": ["2xx"], "values": {"id": {"present": True}}}, "outcome": "prepared"},
                {"when": {"http": ["4xx"], "values": {"error": {"present": True}}}, "outcome": "by_error"},
                {"when": {"http": [401]}, "outcome": "declined", "executed": "no"},
                {"when": {"http": [429, 503]}, "outcome": "retryable", "retry_after_s": 7},
            ],
            "references": {"payment": "id"},
            "error": "error",
        },
        "page": {"from": "page"},
    },
    "look_ups": {
        "authorise": {
            "request": {"method": "GET", "path": "/orders/{{ reference.payment }}"},
            "answer": {
                "values": {
                    "status": {"paths": ["status"], "normalise": ["strip", "upper", {"before": ":"}]},
                    "paid": {"paths": ["paid"]},
                    "error": {"paths": ["reason"]},
                },
                "cases": [
                    {"when": {"values": {"status": ["PAID"]}}, "outcome": "approved", "captured": True},
                    {"when": {"values": {"status": ["REFUSED"]}}, "outcome": "declined"},
                    {"when": {"values": {"status": ["NEW"]}}, "outcome": "needs_action"},
                    {"when": {"http": [404]}, "outcome": "not_found"},
                ],
                "amount": {"value": "paid"},
                "error": "error",
            },
        }
    },
    "callbacks": [
        {
            "name": "paid",
            "source": "json",
            "values": {"id": {"paths": ["id"]}, "status": {"paths": ["status"]}, "sum": {"paths": ["sum"]}},
            "payment": "id",
            "trust": "proven",
            "signature": {"recipe": "webhook", "given": {"header": "X-Signature"}},
            "cases": [
                {"when": {"values": {"status": ["PAID"]}}, "outcome": "approved", "captured": True},
                {"when": {"values": {"status": ["REFUSED"]}}, "outcome": "declined"},
            ],
            "amount": {"value": "sum"},
            "currency": "currency",
        }
    ],
    "errors": {
        "no_money": {"error_code": "insufficient_funds"},
        "bad_shop": {"outcome": "declined", "executed": "no", "error_code": "gateway_unavailable"},
    },
    "abilities": {
        "methods": ["wallet"],
        "cancel": "forget",
        "finds": {"authorise": {"by": "by_reference", "lag_s": 5}},
        "closes": {"after_s": 1200},
    },
    "examples": {
        "payment": {"amount_minor": 1050, "currency": "EUR"},
        "credentials": {"key": "k3y"},
        "settings": {"shop": "a/b"},
        "run": [],
    },
}
_CALLS["callbacks"][0]["values"]["currency"] = {"paths": ["currency"]}

_FORM: Final[dict[str, Any]] = {
    "clearway_gateway": 1,
    "title": "Bills",
    "flow": "form_post",
    "addresses": {"page": {"live": "https://bills.example"}},
    "credentials": {"secret": {"description": "The secret."}},
    "settings": {"account": {"description": "The account."}, "language": {"description": "EN", "default": "EN"}},
    "identifiers": {"bill": {"form": "base32", "length": 26}},
    "currencies": {"AMD": {}},
    "amount": {"format": "decimal", "places": 2},
    "signatures": {
        "confirmation": {
            "algorithm": "md5",
            "separator": ":",
            "parts": [{"field": "SUM"}, {"credential": "secret"}, {"field": "BILL"}, {"field": "TRANSACTION"}],
        }
    },
    "start": {
        "identifier": "bill",
        "page": {
            "address": "page",
            "path": "/pay",
            "form": {"ACCOUNT": {"setting": "account"}, "SUM": {"amount": True}, "BILL": {"identifier": "bill"}},
        },
    },
    "callbacks": [
        {
            "name": "precheck",
            "when": {"PRECHECK": ["YES"]},
            "values": {"bill": {"paths": ["BILL"]}, "sum": {"paths": ["SUM"]}},
            "payment": "bill",
            "amount": {"value": "sum"},
            "trust": "hint",
            "precheck": {"refuse": {"text": "NO"}},
            "answer": {"text": "OK"},
        },
        {
            "name": "confirmation",
            "values": {
                "bill": {"paths": ["BILL"]},
                "sum": {"paths": ["SUM"]},
                "transaction": {"paths": ["TRANSACTION"]},
            },
            "payment": "bill",
            "trust": "proven",
            "signature": {"recipe": "confirmation", "given": {"field": "SIGN"}, "case": "insensitive"},
            "cases": [
                {"when": {"values": {"transaction": {"present": True}}}, "outcome": "approved", "captured": True}
            ],
            "amount": {"value": "sum"},
            "references": {"transaction": "transaction"},
            "event_id": ["transaction"],
            "answer": {"text": "OK"},
        },
    ],
    "abilities": {"methods": ["wallet"], "cancel": "precheck"},
    "examples": {
        "payment": {"amount_minor": 190000, "currency": "AMD"},
        "credentials": {"secret": "SECRET"},
        "settings": {"account": "1"},
        "run": [],
    },
}


def form_sign(total: str, bill: str, transaction: str, secret: str = "SECRET") -> str:  # noqa: S107 - of the examples
    """Return the signature of the gateway of bills."""
    return hashlib.md5(f"{total}:{secret}:{bill}:{transaction}".encode(), usedforsecurity=False).hexdigest()


def calls() -> dict[str, Any]:
    """Return a document of server calls, which is right."""
    document = copy.deepcopy(_CALLS)
    signed = {"id": "o1", "status": "PAID", "sum": "10.50", "currency": "978"}
    recorded = {
        "amount_minor": 1050,
        "currency": "EUR",
        "references": {"payment": "o1"},
        "state": "https://p.example/1",
    }
    document["examples"]["run"] = [
        {
            "name": "registered",
            "call": "start",
            "sends": {
                "method": "POST",
                "url": "https://acme.example/shops/a%2Fb/orders",
                "headers": {"X-Api-Key": "k3y"},
                "text": '{"order":"' + ORDER + '","amount":10.50,"currency":"978",'
                '"return_to":"https://shop.example/return"}',
            },
            "answer": {"status": 201, "json": {"order": {"id": "o1", "page": "https://p.example/1"}}},
            "becomes": {"outcome": "prepared", "references": {"payment": "o1"}},
        },
        {
            "name": "no money",
            "call": "start",
            "shows": "decline",
            "answer": {"status": 402, "json": {"error": {"code": "no_money"}}},
            "becomes": {"outcome": "declined", "error_code": "insufficient_funds"},
        },
        {"name": "late", "call": "start", "shows": "timeout", "answer": "timeout", "becomes": {"outcome": "unknown"}},
        {"name": "page", "call": "page", "payment": recorded, "becomes": {"page": {"url": "https://p.example/1"}}},
        {
            "name": "paid",
            "call": "look_up",
            "payment": recorded,
            "sends": {"method": "GET", "url": "https://acme.example/orders/o1"},
            "answer": {"status": 200, "json": {"status": " paid : ok", "paid": 10.5, "reason": "x"}},
            "becomes": {"outcome": "approved", "amount_minor": 1050, "currency": "EUR", "captured": True},
        },
        {
            "name": "told",
            "call": "callback",
            "receives": {"headers": {"X-Signature": hmac_of(signed)}, "json": signed},
            "becomes": {"trust": "proven", "outcome": "approved", "amount_minor": 1050, "payment": "o1"},
        },
        {
            "name": "forged",
            "call": "callback",
            "shows": "tampered",
            "receives": {"headers": {"X-Signature": hmac_of(signed)}, "json": {**signed, "id": "o2"}},
            "becomes": {"refused": True},
        },
    ]
    return document


def form() -> dict[str, Any]:
    """Return a document of a form post with a precheck, which is right."""
    document = copy.deepcopy(_FORM)
    paid = {"BILL": BILL, "SUM": "1900.00", "TRANSACTION": "77", "SIGN": form_sign("1900.00", BILL, "77").upper()}
    asked = {"PRECHECK": "YES", "BILL": BILL, "SUM": "1900.00"}
    page = {"url": "https://bills.example/pay", "form": {"ACCOUNT": "1", "SUM": "1900.00", "BILL": BILL}}
    document["examples"]["run"] = [
        {"name": "form", "call": "page", "becomes": {"outcome": "needs_action", "page": page}},
        {
            "name": "asked",
            "call": "callback",
            "shows": "decline",
            "receives": {"form": asked},
            "becomes": {"payment": BILL, "answer": "OK", "precheck_refused": "NO", "amount_minor": 190000},
        },
        {
            "name": "paid",
            "call": "callback",
            "receives": {"form": paid},
            "becomes": {"outcome": "approved", "amount_minor": 190000, "trust": "proven", "answer": "OK"},
        },
        {
            "name": "forged",
            "call": "callback",
            "shows": "tampered",
            "receives": {"form": {**paid, "SUM": "1.00"}},
            "becomes": {"refused": True},
        },
    ]
    return document


def hmac_of(body: dict[str, Any], key: str = "k3y") -> str:
    """Return the signature of the gateway of server calls."""
    return hmac.new(key.encode(), orjson.dumps(body), "sha256").hexdigest()


async def wrong_with(document: dict[str, Any]) -> list[str]:
    """Return all that is said against a document, as when it is saved."""
    problems, _ = await documents.checked(document)
    return problems
