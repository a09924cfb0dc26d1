"""A second merchant, for tests that one merchant cannot reach another's resources."""

from __future__ import annotations

from typing import Final

from clearway.db.seed import Credentials

OTHER_MERCHANT: Final = Credentials(
    "mer_000000000000000000000ther2", "Other Merchant", "key_test_other456", "secret_test_other456"
)
