"""Which settings of TLS to Temporal are refused before anything connects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from clearway.settings import Settings, settings_problem
from tests.support.authority import Authority, mtls


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"temporal_tls": False}, "TEMPORAL_TLS_SERVER_NAME is set, but TEMPORAL_TLS is false"),
        ({"temporal_tls_key": None}, "TEMPORAL_TLS_CERT is set, but TEMPORAL_TLS_KEY is not"),
        ({"temporal_tls_cert": None}, "TEMPORAL_TLS_KEY is set, but TEMPORAL_TLS_CERT is not"),
        ({"temporal_tls_ca": "nowhere.pem"}, "TEMPORAL_TLS_CA: nowhere.pem can't be read: No such file or directory"),
        ({"temporal_tls_ca": "/dev/null"}, "TEMPORAL_TLS_CA: /dev/null holds no PEM certificate"),
        ({"temporal_tls_key": "nowhere.key"}, "nowhere.key can't be read"),
        ({"temporal_tls_key": "/dev/null"}, "/dev/null are not a PEM certificate and its private key"),
    ],
)
def test_settings_that_do_not_fit_are_refused_in_plain_words(
    tmp_path: Path, changed: dict[str, Any], words: str
) -> None:
    """What would be ignored, or would fail at the first connection, is refused at start with the variable's name."""
    with pytest.raises(ValidationError) as refused:
        mtls(Authority(tmp_path), 7233, **changed)

    assert words in settings_problem(refused.value)


def test_the_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    """A key that does not belong to the certificate is found at start."""
    other = Authority(tmp_path).issue("another")

    with pytest.raises(ValidationError, match="is not the private key of the certificate"):
        mtls(Authority(tmp_path), 7233, temporal_tls_key=other.key)


def test_an_api_key_is_never_sent_in_clear() -> None:
    """An API key without TLS is refused."""
    with pytest.raises(ValidationError, match="would be sent in clear"):
        Settings(_env_file=None, temporal_api_key="secret")


def test_what_a_compose_file_leaves_empty_is_not_set() -> None:
    """An empty variable means that there is no such file."""
    settings = Settings(_env_file=None, temporal_tls_ca="", temporal_tls_cert="", temporal_tls_key="")

    assert settings.temporal_tls_ca is settings.temporal_tls_cert is settings.temporal_tls_key is None
