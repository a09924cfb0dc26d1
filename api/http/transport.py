"""Which hosts of this installation browsers reach by https: those that the settings give an https URL."""

from __future__ import annotations

from clearway.security_headers import StrictTransport
from clearway.settings import Settings


def strict_transport(settings: Settings) -> StrictTransport:
    """Return the rule for the header `Strict-Transport-Security`."""
    urls = (settings.api_public_url, settings.dashboard_url, settings.checkout_url)
    return StrictTransport(urls, settings.hsts_max_age_s)
