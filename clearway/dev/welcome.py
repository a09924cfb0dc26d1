"""What people see when the stack is up: where everything is, and a first payment to paste."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING, Final

from clearway.settings import OWNER_EMAIL, OWNER_PASSWORD, TEST_API_KEY, TEST_API_SECRET

if TYPE_CHECKING:
    from clearway.dev.stack import Stack


TEXT: Final = Template(
    """
Clearway is up.

$places

Sign in to the dashboard as $owner with the password "$password".

A first payment, to paste into another terminal:

$payment

$schedule
Ctrl-C stops everything. Payments in flight continue at the next start.
"""
)

FIRST_PAYMENT: Final = Template(
    """\
AUTH=(-H 'X-Api-Key: $key' -H 'X-Api-Secret: $secret' -H 'Content-Type: application/json')
read_id() { python3 -c 'import json,sys; print(json.load(sys.stdin)["id"])'; }
ORDER=$$(curl -s $base/orders "$${AUTH[@]}" -d '{"amount": 50000, "currency": "INR", "receipt": "first"}' | read_id)
PAYMENT=$$(curl -s $base/payments "$${AUTH[@]}" -H "Idempotency-Key: first-$$ORDER" \\
  -d '{"order_id": "'$$ORDER'", "method": "upi", "vpa": "success@razorpay"}' | read_id)
sleep 11; curl -s $base/payments/$$PAYMENT "$${AUTH[@]}\""""
)


def text(stack: Stack) -> str:
    """Plain lines, never wrapped, so that they can be pasted from any terminal."""
    places = {
        "Dashboard": stack.dashboard_url,
        "Sample shop": stack.receiver_url,
        "Mail catcher": stack.mail_url,
        "API": f"{stack.api_url}/docs",
        "Checkout": f"{stack.checkout_url}/checkout/<order>?key={TEST_API_KEY}",
        "Temporal UI": stack.temporal_ui_url or stack.temporal_address,
        "Simulator": stack.simulator_url,
        "Gateways": ", ".join(stack.gateways) or "those that the test merchant has",
        "Logs and state": str(stack.state_dir),
    }
    lines = "\n".join(f"  {name:<16} {place}" for name, place in places.items())
    return TEXT.substitute(
        places=lines,
        owner=OWNER_EMAIL,
        password=OWNER_PASSWORD,
        payment=first_payment(stack.api_url),
        schedule=_schedule(stack),
    )


def _schedule(stack: Stack) -> str:
    """Say which webhook schedule is in force, because waits of seconds are not those of production."""
    quick = stack.environment().get("WEBHOOK_RETRY_INTERVALS_TEST", "").lower() in {"1", "true", "yes", "on"}
    waits = (
        "5, 10, 15 and 20 seconds (production: 1, 5 and 30 minutes, 2 hours)" if quick else "the production schedule"
    )
    return f"Webhook retries: {waits}."


def first_payment(api_url: str) -> str:
    """Create an order, pay it by UPI, look at the payment: for bash and zsh, with curl and Python only."""
    return FIRST_PAYMENT.substitute(base=f"{api_url}/api/v1", key=TEST_API_KEY, secret=TEST_API_SECRET)
