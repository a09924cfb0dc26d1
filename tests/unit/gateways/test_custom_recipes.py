"""Signatures by recipe, against vectors that were computed apart from this code."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import orjson
import pytest

from clearway.gateways.custom.context import Entered, Message, NotSendableError, Writer
from clearway.gateways.custom.kind import document_of
from clearway.gateways.custom.language.callbacks import Check
from clearway.gateways.custom.language.values import Recipe
from clearway.gateways.custom.recipes import agrees
from tests.support.custom_documents import calls

DOCUMENT = document_of(orjson.dumps(calls()))
ENTERED = Entered(settings={"shop": "s"}, credentials={"key": "SECRET", "salt": "SALT"}, addresses={}, callback_url="")


def signed(recipe: dict[str, Any], fields: dict[str, str] | None = None, **message: Any) -> str:
    """Return the signature of a message."""
    return Writer(DOCUMENT, ENTERED).digest(
        Recipe.model_validate_json(orjson.dumps(recipe)), Message(fields=fields or {}, **message)
    )


def parts(text: str) -> list[Any]:
    """Return constant parts."""
    return [{"constant": part} for part in text.split("|")]


def test_idram() -> None:
    """MD5 over fields with a colon between, the secret in their middle: the vector of Idram's document."""
    fields = {
        "EDP_REC_ACCOUNT": "100000114",
        "EDP_AMOUNT": "1900.00",
        "EDP_BILL_NO": "1806",
        "EDP_PAYER_ACCOUNT": "100000999",
        "EDP_TRANS_ID": "12345",
        "EDP_TRANS_DATE": "25/11/2026",
    }
    names = list(fields)
    recipe = {
        "algorithm": "md5",
        "separator": ":",
        "encoding": "hex_upper",
        "parts": [{"field": n} for n in names[:2]] + [{"credential": "key"}] + [{"field": n} for n in names[2:]],
    }
    assert signed(recipe, fields) == "56CD0AD6F073B9DBFFF1C9CE358F2505"


def test_payu() -> None:
    """SHA-512 over fields with a bar between, the salt last; its answer is signed in the reverse order."""
    request = "KEY|T1|10.00|Order|Ann|a@b.c|||||||||||"
    forward = {"algorithm": "sha512", "separator": "|", "parts": [*parts(request)[:-1], {"credential": "salt"}]}
    assert signed(forward).startswith("ba912832627e7473")
    reverse = "success|||||||||||a@b.c|Ann|Order|10.00|T1|KEY"
    backward = {"algorithm": "sha512", "separator": "|", "parts": [{"credential": "salt"}, *parts(reverse)]}
    assert signed(backward).startswith("0a2762ef21b9abc4")


def test_a_suffix_and_the_path() -> None:
    """PhonePe's X-VERIFY: SHA-256 over body, path and salt without a separator, then `###` and the key's index."""
    recipe = {
        "algorithm": "sha256",
        "parts": [{"raw": "body"}, {"raw": "path"}, {"credential": "salt"}],
        "suffix": "###1",
    }
    expected = hashlib.sha256(b"e30=/pg/v1/paySALT").hexdigest() + "###1"
    assert signed(recipe, body=b"e30=", path="/pg/v1/pay") == expected


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sha512"])
def test_hmacs_over_the_url_and_the_body(name: str) -> None:
    """Each HMAC over the raw bytes, in base64, as Square signs."""
    recipe = {
        "algorithm": f"hmac-{name}",
        "key": {"credential": "key"},
        "encoding": "base64",
        "parts": [{"raw": "url"}, {"raw": "body"}],
    }
    expected = base64.b64encode(hmac.new(b"SECRET", b"https://a.example/x\xffy", name).digest()).decode()
    assert signed(recipe, url="https://a.example/x", body=b"\xffy") == expected


def test_a_nested_digest() -> None:
    """Flutterwave's hash has the hash of the secret in it."""
    recipe = {
        "algorithm": "sha256",
        "parts": [{"constant": "10EUR"}, {"hash": {"algorithm": "sha256", "parts": [{"credential": "key"}]}}],
    }
    inner = hashlib.sha256(b"SECRET").hexdigest()
    assert signed(recipe) == hashlib.sha256(f"10EUR{inner}".encode()).hexdigest()


def test_a_part_that_may_be_absent() -> None:
    """A part with `if_present` is left out, with its separator; any other that is absent makes no signature."""
    recipe = {"algorithm": "md5", "separator": ":", "parts": [{"field": "a"}, {"field": "b", "if_present": True}]}
    assert signed(recipe, {"a": "1"}) == hashlib.md5(b"1", usedforsecurity=False).hexdigest()
    assert signed(recipe, {"a": "1", "b": "2"}) == hashlib.md5(b"1:2", usedforsecurity=False).hexdigest()
    with pytest.raises(NotSendableError, match="'a' is not there"):
        signed(recipe, {"b": "2"})


def test_the_case_rule() -> None:
    """Letter case counts unless the document says otherwise; a foreign character is only wrong."""
    exact = Check.model_validate({"recipe": "r", "given": {"field": "s"}})
    either = Check.model_validate({"recipe": "r", "given": {"field": "s"}, "case": "insensitive"})
    assert agrees(either, "ab", "AB")
    assert not agrees(exact, "ab", "AB")
    assert agrees(exact, "ab", "ab")
    assert not agrees(either, "ab", "\ud800")
