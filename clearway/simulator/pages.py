"""The pages a customer visits: 3-D Secure, a UPI app, a bank's log-in. Plain HTML that works without scripts or CSS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from clearway.domain.money import Money
from clearway.simulator.records import Operation, Payment, Status
from clearway.simulator.scenarios import Challenge
from clearway.simulator.wire import page_path

HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action *; base-uri 'none'; frame-ancestors *"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_TITLES: Final = {
    Challenge.THREE_DS: "3-D Secure authentication",
    Challenge.UPI: "UPI payment request",
    Challenge.INTENT: "UPI app",
    Challenge.BANK: "Bank log-in",
}
_BUTTONS: Final = {
    Challenge.THREE_DS: ("Complete authentication", "Fail authentication", "Cancel"),
    Challenge.UPI: ("Approve payment", "Decline payment", "Cancel"),
    Challenge.INTENT: ("Pay with UPI PIN", "Decline payment", "Cancel"),
    Challenge.BANK: ("Pay", "Fail payment", "Cancel"),
}
_SERVED: Final = (
    ("Simulator", "/v1"),
    ("Stand-in of Stripe", "/stripe/v1"),
    ("Stand-in of PayPal", "/paypal/v1, /paypal/v2"),
    ("Stand-in of Square", "/square/v2"),
    ("Stand-ins of regional gateways", "/telcell, /idram, /fastshift, /ameriabank, /arca"),
    ("Journal of all effects", "/journal"),
    ("Faults", "/faults"),
)
_ENDS: Final = {
    Status.AUTHORIZED: "The payment was approved.",
    Status.CAPTURED: "The payment was approved.",
    Status.DECLINED: "The payment was declined. No money was taken.",
    Status.CANCELED: "The payment was cancelled. No money was taken.",
}
"""The result of a payment that was waiting; for other statuses it is being processed."""
_STYLE: Final = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; display: grid; min-height: 100vh; place-items: center; }
main { width: min(24rem, calc(100% - 3rem)); padding: 1.5rem; border: 1px solid #8888; border-radius: .75rem; }
h1 { font-size: 1.25rem; margin: 0 0 .5rem; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; }
dt { opacity: .75; } dd { margin: 0; overflow-wrap: anywhere; }
form { margin-top: .75rem; }
button { width: 100%; min-height: 2.75rem; font: inherit; border-radius: .5rem; border: 1px solid #8888;
  cursor: pointer; }
button.first { background: #1f5fd0; border-color: #1f5fd0; color: #fff; }
button:focus-visible { outline: 3px solid #f5a623; outline-offset: 2px; }
"""


def challenge_page(payment: Payment) -> str:
    """Return the page with the three buttons."""
    challenge = payment.scenario.challenge
    facts = {"Amount": str(Money(payment.amount, payment.currency)), "Payment": payment.payment_id}
    labels = zip(("complete", "fail", "cancel"), _BUTTONS[challenge], strict=True)
    return choice_page(_TITLES[challenge], facts, page_path(payment), labels)


def choice_page(title: str, facts: Mapping[str, str], path: str, buttons: Iterable[tuple[str, str]]) -> str:
    """Return a page with facts and buttons, each the last part of the path it posts to and its label."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts.items())
    forms = "".join(
        _form(f"{path}/{action}", label, first=number == 0) for number, (action, label) in enumerate(buttons)
    )
    return _page(
        title,
        f"""<p>This is a test payment of the Clearway simulator. No money moves.</p>
<dl>{rows}</dl>
{forms}""",
    )


def index_page() -> str:
    """Return the page that says what is served here."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd><code>{where}</code></dd>" for name, where in _SERVED)
    return _page(
        "Gateway simulator",
        f"""<p>Gateways for tests, and one journal of all that they do. No money moves.</p>
<dl>{rows}</dl>
<p><code>clearway faults add</code> makes one of them fail: docs/testing-values.md lists how.</p>""",
    )


def result_page(title: str, text: str) -> str:
    """Return a page with only a message."""
    return _page(title, f"<p>{escape(text)}</p>")


def done_page(payment: Payment, operation: Operation) -> str:
    """Return the page of a payment that no longer waits for its customer, with the way back to the shop."""
    text = _ENDS.get(operation.status, "Your answer is recorded.")
    back = "Go back to the shop."
    if payment.return_url:
        back = f'<a href="{escape(payment.return_url)}">Back to the shop</a>'
    return _page("This payment is done", f"<p>{escape(text)} There is nothing more to do here.</p>\n<p>{back}</p>")


def _form(action: str, label: str, *, first: bool) -> str:
    attribute = ' class="first"' if first else ""
    return f'<form method="post" action="{escape(action)}"><button{attribute}>{escape(label)}</button></form>'


def _page(title: str, content: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · Clearway simulator</title><style>{_STYLE}</style></head>
<body><main><h1>{escape(title)}</h1>
{content}
</main></body></html>"""
