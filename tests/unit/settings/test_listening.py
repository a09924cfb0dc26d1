"""Where a program may listen while its secrets are published ones."""

from __future__ import annotations

import pytest

from clearway.listening import require_private
from clearway.settings import Settings, SettingsError

REACHABLE = ["0.0.0.0", "::", "", "192.0.2.7", "2001:db8::7"]  # noqa: S104 - refused


@pytest.mark.parametrize("environment", ["development", "test"])
@pytest.mark.parametrize("host", REACHABLE)
def test_a_development_environment_refuses_the_network(host: str, environment: str) -> None:
    """Published secrets are served to this machine only; the refusal names the setting, the reason and the way out."""
    with pytest.raises(SettingsError) as refused:
        require_private(host, "API_HOST", Settings(_env_file=None, clearway_env=environment))

    said = str(refused.value)
    assert said.startswith(f"API_HOST={host} can be reached over the network")
    assert all(words in said for words in ("published", "CLEARWAY_ENV=production", "ALLOW_NETWORK_IN_DEVELOPMENT=true"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_is_always_served(host: str) -> None:
    """A loopback address needs no permission."""
    require_private(host, "API_HOST", Settings(_env_file=None))


@pytest.mark.parametrize("host", REACHABLE)
def test_an_operator_may_lift_it(host: str) -> None:
    """One explicit setting allows it, as compose needs."""
    require_private(host, "API_HOST", Settings(_env_file=None, allow_network_in_development=True))


@pytest.mark.parametrize("host", REACHABLE)
def test_production_listens_anywhere(host: str) -> None:
    """Production has secrets of its own, so it asks for no permission."""
    secrets = {
        "secret_keys": "own:" + "A" * 43 + "=",
        "api_key_peppers": "own:pepper",
        "simulator_webhook_secret": "whsec_own",
    }

    require_private(host, "API_HOST", Settings(_env_file=None, clearway_env="production", **secrets))
