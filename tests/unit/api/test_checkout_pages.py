"""The hosted checkout without a server: its texts, its form's token, and which origins may frame it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from api.hosted import entering, policy
from api.hosted.languages import NAMES, choose, language
from clearway.checkout import forms
from clearway.checkout.options import Option
from clearway.crypto.api_secrets import Peppers
from clearway.domain.merchant import Mode
from clearway.domain.payment import PaymentMethod, UpiFlow
from clearway.gateways.browser import BrowserSide, Component
from clearway.payments.instruments import Instrument

PEPPERS = Peppers.from_settings("one:first,two:second")
TOKEN = forms.FormToken("order_1", "key_1", None, ("gw_1",), 1_000)
OWN = "https://shop.example"


@pytest.mark.parametrize("code", sorted(set(NAMES) - {"en"}))
def test_each_language_says_everything(code: str) -> None:
    """Each language has every text of English, with the same values in it."""
    english, own = language("en").texts, language(code).texts
    assert set(english) <= set(own)
    values = {key: set(re.findall(r"\{\w+\}", text)) for key, text in english.items()}
    assert {key: set(re.findall(r"\{\w+\}", own[key])) for key in english} == values
    assert own["pay.title"] != ""


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ("hi-IN,hi;q=0.9,en;q=0.8", "hi"),
        ("pt,de;q=0.5", "de"),
        ("xx", "en"),
        ("", "en"),
        ("ar;q=x,fr", "fr"),
        ("*", "en"),
    ],
)
def test_the_best_language_is_chosen(accepted: str, code: str) -> None:
    """The first language of the browser that there is, else English."""
    assert choose(None, accepted).code == code


@pytest.mark.parametrize(
    ("minor", "currency", "written"), [(5_000, "AMD", "50.00"), (500, "JPY", "500"), (5_000, "KWD", "5.000")]
)
def test_amounts_have_the_digits_of_iso_4217(minor: int, currency: str, written: str) -> None:
    """No currency is rounded, whatever CLDR says is usual."""
    assert written in language("en").amount(minor, currency)


@pytest.mark.parametrize(("gateway", "name", "vpa"), [("gw_1", "One", "first@bank"), ("gw_2", None, "plain@bank")])
def test_the_fields_of_the_chosen_gateway_count(gateway: str, name: str | None, vpa: str) -> None:
    """A named gateway has fields of its own; what was entered for another gateway is not read, and no card is kept."""
    side, collect = BrowserSide(Component.INPUT, "vpa"), frozenset({UpiFlow.COLLECT})
    option = Option(PaymentMethod.UPI, side, "simulator", gateway_id=gateway, gateway_name=name, upi=collect)
    fields = {"vpa.upi.gw_1": "first@bank", "vpa.upi.gw_2": "4111 1111 1111 1111", "vpa": "plain@bank", "token": "x"}
    entered = entering.read(option, fields, Mode.TEST, f"{OWN}/back")
    assert entered.instrument is not None
    assert entered.instrument.vpa == vpa
    assert entering.kept(fields) == {"vpa.upi.gw_1": "first@bank", "vpa": "plain@bank"}


def test_a_form_token_is_ours_and_ends() -> None:
    """A token is read back until it ends; a changed one, or one of another installation, is not."""
    written = forms.write(PEPPERS, TOKEN)
    assert forms.read(PEPPERS, written, 999) == TOKEN
    assert forms.read(PEPPERS, written, 1_000) is None
    body, _, signature = written.partition(".")
    other = forms.write(PEPPERS, replace(TOKEN, order_id="order_2")).partition(".")[0]
    for forged in (f"{other}.{signature}", f"{body}.", body, "", "\udcff.\udcff"):
        assert forms.read(PEPPERS, forged, 0) is None
    assert forms.read(Peppers.from_settings("one:else"), written, 0) is None
    assert forms.read(Peppers.from_settings("new:newer,one:first"), written, 0) == TOKEN


@pytest.mark.parametrize(
    ("asked", "test_mode", "allowed"),
    [
        (OWN, False, True),
        (f"{OWN}/", False, False),
        ("https://shop.example.hooks.invalid", False, False),
        ("https://evil@shop.example", False, False),
        ("http://localhost:4000", True, True),
        ("http://localhost:4000", False, False),
        ("http://localhost", True, False),
        ("https://shop.example; script-src *", False, False),
        ("javascript:alert(1)", True, False),
        ("null", True, False),
    ],
)
def test_only_the_merchants_own_pages_may_frame_it(asked: str, test_mode: bool, allowed: bool) -> None:  # noqa: FBT001
    """An origin is allowed as a whole, exactly as the merchant entered it; test merchants may use this machine."""
    assert (policy.framing_origin(asked, (OWN,), test_mode=test_mode) == asked) is allowed


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        (f"{OWN}/thanks?cart=7", True),
        ("https://evil.example/thanks", False),
        ("https://shop.example@evil.example/", False),
        ("//shop.example/", False),
        ("javascript:alert(1)", False),
        ("https://shop.example\\@evil.example/", False),
    ],
)
def test_customers_are_sent_back_to_the_merchant_only(url: str, allowed: bool) -> None:  # noqa: FBT001
    """A return URL of another origin is not used, so the page redirects nowhere else."""
    assert (policy.return_address(url, (OWN,), test_mode=False) is not None) is allowed


@pytest.mark.parametrize(
    ("flows", "vpa", "instrument", "error"),
    [
        ({UpiFlow.INTENT}, "", {}, None),
        ({UpiFlow.INTENT}, "ada@bank", {}, None),
        ({UpiFlow.INTENT, UpiFlow.COLLECT}, "", {}, None),
        ({UpiFlow.INTENT, UpiFlow.COLLECT}, "ada@bank", {"vpa": "ada@bank"}, None),
        ({UpiFlow.COLLECT}, "ada@bank", {"vpa": "ada@bank"}, None),
        ({UpiFlow.COLLECT}, "", None, "vpa.required"),
        ({UpiFlow.COLLECT}, "ada", None, "vpa.invalid"),
        ({UpiFlow.COLLECT}, "4111111111111111@bank", None, "vpa.invalid"),
    ],
)
def test_a_upi_id_is_read_where_the_gateway_collects_by_it(
    flows: set[UpiFlow], vpa: str, instrument: dict[str, str] | None, error: str | None
) -> None:
    """Where it does not, a UPI ID that was sent all the same is left out, and the payment is an intent."""
    back = "https://shop.example/"
    option = Option(PaymentMethod.UPI, BrowserSide(Component.INPUT, "vpa"), "simulator", upi=frozenset(flows))
    entered = entering.read(option, {"vpa": vpa}, Mode.TEST, back)
    made = None if instrument is None else Instrument(PaymentMethod.UPI, return_url=back, **instrument)
    assert entered.instrument == made
    assert entered.errors == ({} if error is None else {"vpa": error})
