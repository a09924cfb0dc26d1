"""The settings of the simulator service, read from its environment; the connector has Clearway's own settings."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from clearway.setting_values import Environment
from clearway.settings import DEVELOPMENT_SIMULATOR_SECRET

PAYMENT_DELAY_S = (5.0, 10.0)
REFUND_DELAY_S = (3.0, 5.0)
ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to
SUCCESS_RATES = {"upi": 0.90, "card": 0.95, "netbanking": 0.95, "wallet": 0.95}


class SimulatorSettings(BaseSettings):
    """The simulator's address, state file, and overrides of randomness."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    clearway_env: Environment = Environment.DEVELOPMENT
    allow_network_in_development: bool = False
    simulator_host: str = "127.0.0.1"
    simulator_port: int = Field(default=4010, ge=1, le=65_535)
    simulator_state: Path = Path(".clearway/simulator.sqlite3")
    """The SQLite file that holds the journal, pending decisions and undelivered webhooks."""
    simulator_public_url: str | None = None
    """Where a browser finds the pages of this service; by default the address it listens on."""
    simulator_webhook_url: str = "http://127.0.0.1:8000/api/v1/gateways/{account}/webhook"
    """`{account}` is replaced by the payment's account: the id of a gateway configuration of Clearway."""
    simulator_webhook_secret: SecretStr = SecretStr(DEVELOPMENT_SIMULATOR_SECRET)
    simulator_seed: int | None = None
    """Makes chance repeat itself: the same requests in the same order meet the same outcomes, delays and faults."""

    simulator_stripe_key_life_s: float = Field(default=86_400, gt=0)
    """How long the stand-in of Stripe repeats the first answer to an idempotency key."""
    simulator_stripe_search_lag_s: float = Field(default=1.0, ge=0)
    """How long its search does not find a new payment. Lists and look-ups by id have no lag."""
    simulator_stripe_multicapture: bool = True
    """Whether its accounts may capture a payment in several parts; at Stripe that depends on their pricing."""

    simulator_paypal_token_life_s: float = Field(default=32_400, gt=0)
    """How long an access token of the stand-in of PayPal is good."""
    simulator_paypal_order_key_life_s: float = Field(default=6 * 3_600, gt=0)
    """How long it remembers the request ids of orders."""
    simulator_paypal_payment_key_life_s: float = Field(default=45 * 86_400, gt=0)
    """How long it remembers the request ids of captures and refunds."""
    simulator_paypal_order_life_s: float = Field(default=3 * 3_600, gt=0)
    """How long an order waits for its approval, and once more for its capture."""
    simulator_paypal_honor_period_s: float = Field(default=3 * 86_400, gt=0)
    """How long an authorization is honoured before it can be reauthorized."""
    simulator_paypal_unique_invoices: bool = True
    """Whether its accounts refuse a second payment of the same invoice id."""

    simulator_square_list_lag_s: float = Field(default=3.0, ge=0)
    """How long the lists of the stand-in of Square miss a new payment or refund. Look-ups by id have no lag."""
    simulator_square_delay_max_s: float = Field(default=7 * 86_400, gt=0)
    """The longest time until it completes or cancels a delayed payment by itself."""
    simulator_square_currencies: str = Field(default="USD,CAD,GBP,AUD,JPY,EUR", pattern=r"^[A-Z]{3}(,[A-Z]{3})*$")
    """Its sellers have one location in each currency; the first is the main one."""

    simulator_upi_intent_life_s: float = Field(default=300, gt=0)
    """How long a UPI intent of the simulator's own API may be paid."""
    simulator_page_life_scale: float = Field(default=1.0, gt=0)
    """Multiplies the lives of invoices and sessions at Telcell, FastShift, Ameriabank and ArCa: 0.0001 makes a day of
    Telcell 8.6 seconds."""
    simulator_fee_percent: Decimal = Field(default=Decimal("2.9"), ge=0, le=100)
    """What the gateway keeps of a capture, of all its stand-ins; refunds cost nothing."""
    simulator_fee_fixed: int = Field(default=30, ge=0, le=10_000)
    """What it keeps beside, in minor units of the currency that settles."""
    simulator_settlement_currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    """The currency of the balance, for currencies with an exchange rate. None: each settles in its own."""
    simulator_exchange_rates: dict[str, Decimal] = Field(default_factory=dict)
    """Units of the settlement currency for one unit of a currency, such as `{"EUR": "1.08"}`."""
    simulator_settlement_lag_s: float = Field(default=1.0, ge=0)
    """How long a balance row is not listed yet."""
    simulator_available_after_s: float = Field(default=0.0, ge=0)
    """When the money of a balance row can be paid out."""
    simulator_payout_every_s: float = Field(default=86_400, gt=0)
    """How often available money is paid out: at whole multiples of it since 1970, so by default at midnight UTC."""

    test_mode: bool = True
    """False: the two settings below are ignored."""
    test_payment_success: bool | None = None
    """Forces the outcome of payments; a test value still wins. None: chance decides."""
    test_processing_delay: int | None = Field(default=None, ge=0)
    """Milliseconds from acceptance to decision, for payments and refunds. 0: decided in the answer. None: seconds."""

    log_level: str = "INFO"

    @property
    def public_url(self) -> str:
        """The base of every link to a page of this service, without a slash at the end."""
        host = "127.0.0.1" if self.simulator_host in ANY_ADDRESS else self.simulator_host
        given = self.simulator_public_url or f"http://{host}:{self.simulator_port}"
        return given.rstrip("/")

    @property
    def forced_outcome(self) -> bool | None:
        """Whether payments must succeed (True) or fail (False); None when chance decides."""
        return self.test_payment_success if self.test_mode else None

    @property
    def forced_delay_s(self) -> float | None:
        """The fixed processing time in seconds; None when it is drawn."""
        if not self.test_mode or self.test_processing_delay is None:
            return None
        return self.test_processing_delay / 1_000
