"""Every setting of every process, read once from the environment (and `.env`), checked here and nowhere else.

A name in the documentation is the environment variable in upper case: `database_url` is `DATABASE_URL`.
"""

from __future__ import annotations

import json
from email.utils import parseaddr
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from clearway.domain.card_limits import read_limits
from clearway.domain.mail import is_address, one_line
from clearway.setting_values import FX_FEEDS, LOOPBACK, Environment, FxProvider, MailSecurity, Registration
from clearway.tls_files import ca_problem, identity_problem

DEVELOPMENT_SECRET_KEYS: Final = "dev:Y2xlYXJ3YXktZGV2ZWxvcG1lbnQta2V5LTMyLWJ5dGU="  # noqa: S105 - refused in production
DEVELOPMENT_PEPPERS: Final = "dev:development-pepper"
DEVELOPMENT_SIMULATOR_SECRET: Final = "whsec_c2ltdWxhdG9yLWRldmVsb3BtZW50LXNlY3JldC0wMDAx"  # noqa: S105
TEST_API_KEY: Final = "key_test_abc123"
TEST_API_SECRET: Final = "secret_test_xyz789"  # noqa: S105 - the published credentials of the test merchant

OWNER_EMAIL: Final = "owner@example.test"
OWNER_PASSWORD: Final = "clearway development"  # noqa: S105 - published: of the owner of the test merchant's account
DATABASE_SCHEME: Final = "postgresql+asyncpg"

LIVE_RETRY_INTERVALS_S: Final = (60, 300, 1_800, 7_200)
TEST_RETRY_INTERVALS_S: Final = (5, 10, 15, 20)


class SettingsError(ValueError):
    """A setting that must not be used; the message names the variable and the way out."""


def settings_problem(error: ValidationError) -> str:
    """Say in one line what is wrong with the settings: variables by name, and never a value, which may be a secret."""
    lines = []
    for problem in error.errors(include_input=False):
        name = ".".join(map(str, problem["loc"])).upper()
        message = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{name}: {message}" if name else message)
    return "The settings can't be used. " + "; ".join(lines)


class Settings(BaseSettings):
    """The settings of one process. Unknown variables are ignored: other programs own them."""

    # A refusal never repeats what it refuses: these values are secrets, and errors end up in logs.
    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True)

    clearway_env: Environment = Environment.DEVELOPMENT
    allow_network_in_development: bool = False
    """Lets programs with published secrets listen on addresses that other machines can reach."""

    database_url: str = "postgresql+asyncpg://postgres@127.0.0.1:5432/clearway"
    migrations_database_url: str | None = None
    """The owner of the tables, for `clearway migrate` alone. None: DATABASE_URL's role is the owner."""
    database_pool_size: int = Field(default=10, ge=1, le=200)

    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "default"
    temporal_tls: bool = False
    temporal_tls_ca: Path | None = None
    """PEM file of the authorities that may sign Temporal's certificate; the system's own when not set."""
    temporal_tls_cert: Path | None = None
    """PEM file of the certificate that this process shows to Temporal (mTLS), with `temporal_tls_key`."""
    temporal_tls_key: Path | None = None
    temporal_tls_server_name: str | None = None
    """The name in Temporal's certificate, where it is not that of `temporal_address`."""
    temporal_api_key: SecretStr | None = None

    api_host: str = "127.0.0.1"
    api_port: int = 8000
    api_public_url: str = "http://127.0.0.1:8000"
    dashboard_host: str = "127.0.0.1"
    dashboard_port: int = 3000
    dashboard_url: str = "http://127.0.0.1:3000"
    """Where browsers find the dashboard. Sessions count there only, and links in mails lead there."""
    temporal_ui_url: str | None = None
    """Temporal's UI, for the links that operators see. None: no links."""
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """CIDR networks of reverse proxies. Only they are believed when they name the client in X-Forwarded-For."""
    checkout_host: str = "127.0.0.1"
    checkout_port: int = 3001
    checkout_url: str = "http://127.0.0.1:3001"
    """Where customers' browsers find the hosted checkout: an origin of its own."""
    hsts_max_age_s: int = Field(default=365 * 24 * 3_600, ge=0)
    """How long browsers come only by https to the hosts whose URL is https. 0: they forget it."""
    docs_enabled: bool | None = None
    """Whether the API serves `/docs` and `/openapi.json`. None: outside production only."""
    api_metrics_port: int | None = Field(default=None, ge=1, le=65_535)
    """Port of the API's own metrics, at `metrics_host`. None: `/metrics` of the API itself."""
    metrics_port: int | None = None
    """Base port of the workers' Prometheus metrics; process n listens on this port + n. None: no metrics server."""
    metrics_host: str = "127.0.0.1"

    secret_keys: SecretStr = SecretStr(DEVELOPMENT_SECRET_KEYS)
    """`id:base64(32 bytes)` pairs, comma separated; the first encrypts, all decrypt."""
    api_key_peppers: SecretStr = SecretStr(DEVELOPMENT_PEPPERS)
    """`id:secret` pairs, comma separated; the first hashes the secrets of API keys, all verify."""

    api_key_overlap_s: int = Field(default=24 * 3600, ge=0, le=7 * 24 * 3600)
    """How long the former secret of an API key stays valid after a rotation."""

    session_idle_s: float = Field(default=30 * 60, ge=60)
    """How long a browser's session may be unused before it ends."""
    session_life_s: float = Field(default=12 * 3_600, ge=60)
    """How long after the sign-in a browser's session ends, used or not."""

    access_token_life_s: float = Field(default=600, ge=10, le=3_600)
    """How long an access token of a program is valid."""
    refresh_token_life_s: float = Field(default=30 * 24 * 3_600, ge=60)
    """How long after the sign-in a program must sign in again, however often it refreshes."""
    refresh_token_grace_s: float = Field(default=20, ge=0, le=60)
    """How long a replaced refresh token gets the same answer again, for a program that lost the answer."""
    registration: Registration = Registration.INVITATION
    """Who may register: anybody (open), who was invited to an account (invitation), or nobody (closed)."""

    simulator_url: str = "http://127.0.0.1:4010"
    simulator_public_url: str | None = None
    """Where a customer's browser finds the simulator's pages; the same as `simulator_url` when not set."""
    simulator_webhook_secret: SecretStr = SecretStr(DEVELOPMENT_SIMULATOR_SECRET)
    gateway_timeout_s: float = Field(default=20.0, gt=0, le=25)
    """At most 25: after 30 seconds a workflow gives up a call as unknown, and the connector must have said first."""

    payment_poll_intervals_s: Annotated[tuple[float, ...], NoDecode] = (15, 30, 60, 120, 300)
    """Waits before each status poll of a pending payment; the last repeats until the deadline."""
    payment_deadline_s: float = Field(default=1_800, gt=0)
    """How long a payment may wait for its gateway or its customer."""
    payment_failovers_max: int = Field(default=1, ge=0, le=2)
    """How many further gateways a payment is tried at when the attempt before surely moved no money."""
    payment_retry_first_s: float = Field(default=3_600, gt=0)
    """The wait before the first scheduled retry of a payment; each further one is three times as long."""
    payment_retry_within_s: float = Field(default=7 * 24 * 3600, gt=0)
    """How long a payment with retries stays open after a failed attempt, unless it says otherwise."""
    card_limits: str = "visa:30d:15:amount,mastercard:24h:10,mastercard:30d:35,other:30d:15"
    """After how many declines within which time a card is not tried again, by brand. Empty: no limits are kept.

    `amount`: declines of the same amount count. `other`: of all brands without their own, and when it is not known.
    """
    card_limits_in_test_mode: bool = False
    """Whether they hold for test merchants too, whose cards are meant to be declined often."""
    authorisation_expiry_s: float = Field(default=7 * 24 * 3600, gt=0)
    """How long an authorised payment may wait for its capture."""
    refund_deadline_s: float = Field(default=7 * 24 * 3600, gt=0)

    maintenance_every_s: float = Field(default=300, ge=1)
    """How often the schedule does housekeeping and takes up what has no running workflow."""
    reconciliation_every_s: float = Field(default=3_600, ge=1)
    """How often the schedule starts the reconciliations that are due: each gateway is compared once a day."""
    recovery_after_s: float = Field(default=120, ge=0)
    """How long a row must be untouched before it is looked at for a workflow."""

    webhook_retry_intervals_test: bool = False
    """True: 5, 10, 15 and 20 seconds between attempts, in place of 1 min, 5 min, 30 min and 2 h."""
    webhook_timeout_s: float = Field(default=15.0, gt=0, le=60)
    webhook_allowed_networks: Annotated[tuple[str, ...], NoDecode] = ()
    """CIDR networks that webhooks may be sent to although they are private, such as 127.0.0.0/8 in development."""
    webhook_secret_overlap_s: int = Field(default=24 * 3600, ge=0, le=7 * 24 * 3600)

    rate_limit_merchant: str = "6000/minute"
    rate_limit_address: str = "60/minute"
    rate_limit_failed_logins: str = "30/minute"
    """How many requests with credentials that are not valid one address may send."""
    rate_limit_webhook_retries: str = "60/minute"
    """Retries by hand to one endpoint."""
    rate_limit_customer: str | None = None
    """Payments of one customer of a merchant (by id, e-mail or phone), such as `10/hour`; None: no limit."""
    rate_limit_storage: str = "async+memory://"

    overload_target_ms: float = Field(default=250, ge=0)
    """How long the recording of a payment may take (nine of ten) before new work is refused; 0 never refuses any."""

    audit_retention_months: int | None = Field(default=None, ge=12)
    """Months of the audit log that are kept; older ones are dropped. None: all."""

    gateway_check_every_s: float = Field(default=300, ge=10)
    """How often each enabled gateway is checked, with a jitter of a fifth."""

    fx_provider: FxProvider = FxProvider.SEED
    fx_url: str | None = None
    """The provider's feed, such as one that you host. None: the provider's own."""
    fx_refresh_s: float = Field(default=3_600, ge=60)
    """How long after the last fetch rates are fetched again."""
    fx_age_max_s: float = Field(default=4 * 24 * 3_600, ge=0)
    """Live merchants get no quote from older rates: over a weekend there are no new ones."""
    fx_markup_bps: int = Field(default=0, ge=0, le=2_000)
    """What quotes add to the mid rate, in hundredths of a percent."""
    fx_quote_life_s: float = Field(default=300, ge=10, le=3_600)
    """How long a quote can be used."""

    request_log_days: int = Field(default=30, ge=1, le=3_660)
    """How long the API shows the requests of merchants; a month is deleted when all of it is older."""

    smtp_host: str | None = None
    """The mail server. None: no mail is sent, and each ends as failed on record."""
    smtp_port: int = Field(default=587, ge=1, le=65_535)
    smtp_security: MailSecurity = MailSecurity.STARTTLS
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_tls_ca: Path | None = None
    """PEM file of the authorities that may sign the mail server's certificate; the usual public ones when not set."""
    mail_from: str | None = None
    """The sender of mails, such as `Clearway <no-reply@shop.example>`."""
    alert_email_to: Annotated[tuple[str, ...], NoDecode] = ()
    """Who gets mail about gateways that are unhealthy or degraded."""

    log_level: str = "INFO"
    log_format: str = "json"

    @field_validator("card_limits")
    @classmethod
    def _check_card_limits(cls, value: str) -> str:
        read_limits(value)
        return value

    @field_validator("database_url", "migrations_database_url")
    @classmethod
    def _name_the_driver(cls, value: str | None) -> str | None:
        """Take the address as managed services hand it out, and name the one driver we have."""
        if value is None:
            return None
        scheme, separator, rest = value.partition("://")
        if not separator or scheme not in {"postgres", "postgresql", DATABASE_SCHEME}:
            raise SettingsError("not a PostgreSQL address: write postgresql://user:password@host:5432/database")
        return f"{DATABASE_SCHEME}://{rest}"

    @field_validator(
        "webhook_allowed_networks", "trusted_proxies", "payment_poll_intervals_s", "alert_email_to", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        """Accept `a,b` as well as a JSON list, so that a compose file stays readable."""
        if not isinstance(value, str):
            return value
        text = value.strip()
        return json.loads(text) if text.startswith("[") else tuple(part.strip() for part in text.split(",") if part)

    @field_validator(
        "temporal_tls_ca",
        "temporal_tls_cert",
        "temporal_tls_key",
        "temporal_tls_server_name",
        "docs_enabled",
        "api_metrics_port",
        "temporal_ui_url",
        "fx_url",
        "smtp_host",
        "smtp_username",
        "smtp_password",
        "smtp_tls_ca",
        "mail_from",
        "audit_retention_months",
        "rate_limit_customer",
        mode="before",
    )
    @classmethod
    def _empty_is_not_set(cls, value: object) -> object:
        """Compose files hand on what is not set as an empty text."""
        return None if value == "" else value

    @model_validator(mode="after")
    def _refuse_default_secrets(self) -> Self:
        if self.clearway_env is not Environment.PRODUCTION:
            return self
        defaults = {
            "SECRET_KEYS": self.secret_keys.get_secret_value() == DEVELOPMENT_SECRET_KEYS,
            "API_KEY_PEPPERS": self.api_key_peppers.get_secret_value() == DEVELOPMENT_PEPPERS,
            "SIMULATOR_WEBHOOK_SECRET": self.simulator_webhook_secret.get_secret_value()
            == DEVELOPMENT_SIMULATOR_SECRET,
        }
        left = [name for name, is_default in defaults.items() if is_default]
        if left:
            message = (
                f"CLEARWAY_ENV=production, but {', '.join(left)} still has the published development value. "
                "Set it to a secret of your own; `clearway secrets` prints fresh ones."
            )
            raise SettingsError(message)
        return self

    @model_validator(mode="after")
    def _refuse_clear_sessions(self) -> Self:
        address = urlsplit(self.dashboard_url)
        if address.scheme not in {"http", "https"} or not address.netloc or address.path not in {"", "/"}:
            raise SettingsError("DASHBOARD_URL is not an address such as https://pay.example.com.")
        if self.is_production and address.scheme != "https" and address.hostname not in LOOPBACK:
            raise SettingsError("DASHBOARD_URL: in production sessions need https, or their cookies go in clear.")
        return self

    @model_validator(mode="after")
    def _refuse_unclear_tls(self) -> Self:
        problem = self._tls_problem()
        if problem:
            raise SettingsError(problem)
        return self

    @model_validator(mode="after")
    def _refuse_unclear_mail(self) -> Self:
        if not all(is_address(address) for address in self.alert_email_to):
            raise SettingsError("ALERT_EMAIL_TO: write addresses only, such as ops@shop.example,night@shop.example.")
        if self.smtp_host is None:
            return self
        if self.mail_sender is None:
            raise SettingsError(
                "SMTP_HOST is set: set MAIL_FROM too, such as `Clearway <no-reply@shop.example>`, or remove SMTP_HOST."
            )
        problem = ca_problem(self.smtp_tls_ca) if self.smtp_tls_ca else None
        if problem:
            raise SettingsError(f"SMTP_TLS_CA: {problem}.")
        if self.smtp_password and self.smtp_security is MailSecurity.NONE:
            raise SettingsError("SMTP_SECURITY=none would send SMTP_PASSWORD in clear: use starttls or tls.")
        if bool(self.smtp_username) is not bool(self.smtp_password):
            raise SettingsError("SMTP_USERNAME and SMTP_PASSWORD belong together: set both or none.")
        return self

    def _tls_problem(self) -> str | None:
        ca, certificate, key = self.temporal_tls_ca, self.temporal_tls_cert, self.temporal_tls_key
        if not self.temporal_tls:
            names = ("temporal_tls_ca", "temporal_tls_cert", "temporal_tls_key", "temporal_tls_server_name")
            ignored = [name.upper() for name in names if getattr(self, name)]
            if ignored:
                return f"{', '.join(ignored)} is set, but TEMPORAL_TLS is false. Set TEMPORAL_TLS=true, or remove it."
            if self.temporal_api_key:
                return (
                    "TEMPORAL_API_KEY is set, but TEMPORAL_TLS is false: the key would be sent in clear. "
                    "Set TEMPORAL_TLS=true."
                )
        if certificate and key:
            problem = identity_problem(certificate, key)
            if problem:
                return f"TEMPORAL_TLS_CERT, TEMPORAL_TLS_KEY: {problem}."
        elif certificate or key:
            there, missing = ("CERT", "KEY") if certificate else ("KEY", "CERT")
            return f"TEMPORAL_TLS_{there} is set, but TEMPORAL_TLS_{missing} is not. mTLS needs both; set both or none."
        problem = ca_problem(ca) if ca else None
        return f"TEMPORAL_TLS_CA: {problem}." if problem else None

    @cached_property
    def mail_sender(self) -> tuple[str, str] | None:
        """The name and the address of MAIL_FROM; None when it is not set or is no address."""
        name, address = parseaddr(self.mail_from or "")
        return (one_line(name), address) if is_address(address) else None

    @cached_property
    def is_production(self) -> bool:
        """Whether default secrets and the published test merchant must not exist."""
        return self.clearway_env is Environment.PRODUCTION

    @cached_property
    def fx_feed_url(self) -> str:
        """The feed of exchange rates."""
        return self.fx_url or FX_FEEDS[self.fx_provider]

    @cached_property
    def serves_docs(self) -> bool:
        """Whether the reference is served by the API itself."""
        return not self.is_production if self.docs_enabled is None else self.docs_enabled

    @cached_property
    def webhook_retry_intervals_s(self) -> tuple[int, ...]:
        """The waits between delivery attempts, for endpoints without a schedule of their own."""
        return TEST_RETRY_INTERVALS_S if self.webhook_retry_intervals_test else LIVE_RETRY_INTERVALS_S
