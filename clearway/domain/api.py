"""The API's addresses, as far as more than the API must know them."""

from __future__ import annotations

from typing import Final

API_PREFIX: Final = "/api/v1"
"""Before each path of this version of the API."""
