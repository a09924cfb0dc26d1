"""What a payment's row keeps for a new run: enough to ask the gateway again, all of it encrypted."""

from __future__ import annotations

import pytest
from temporalio.testing import ActivityEnvironment

from activities.gateway import CustomerPages, GatewayActivities, GatewayCall
from clearway.crypto.encryption import Cipher, DecryptionError
from clearway.domain.payment import CaptureMethod
from clearway.durable.sealed import unseal
from clearway.gateway_configs.opening import open_connections
from clearway.gateways.contract import Authorisation, Operation, OperationKind, OutcomeKind
from tests.support.durable import Durable


async def test_an_open_payment_keeps_what_the_gateway_needs_encrypted(durable: Durable) -> None:
    """The instrument and the return URL can be read back from the row, and stand in it in no other form."""
    new = await durable.new_payment(
        method="card",
        instrument="tok_sim_unknown",
        capture_method="manual",
        personal={"return_url": "https://shop.example/back"},
    )
    await durable.faults({"operation": "authorise", "fault": "rate_limited"})
    await durable.start(new)
    row = await durable.row(new.id)
    assert "tok_sim_unknown" not in str(row)
    assert "shop.example" not in str(row)
    cipher = Cipher.from_settings(durable.settings.secret_keys.get_secret_value())
    opened = unseal(cipher, new.id, row.personal)
    assert (opened.instrument, opened.return_url) == ("tok_sim_unknown", "https://shop.example/back")
    with pytest.raises(DecryptionError):
        unseal(cipher, "pay_of_another", row.personal)


async def test_a_payment_that_has_ended_keeps_nothing(durable: Durable) -> None:
    """A payment that has ended is not sent again, so its row drops the instrument."""
    paid = await durable.paid()
    assert (await durable.row(paid.id)).personal is None


async def test_without_the_key_nothing_is_sent(durable: Durable) -> None:
    """An authorisation whose personal data cannot be decrypted is not executed: no gateway is called."""
    new = await durable.new_payment()
    connections = open_connections(durable.settings, durable.engine)
    gateways = GatewayActivities(connections, CustomerPages(str, str), Cipher.from_settings("other:" + "A" * 43 + "="))
    authorisation = Authorisation(new.method, CaptureMethod.AUTOMATIC)
    operation = Operation(
        OperationKind.AUTHORISE, "key", new.id, new.amount_minor, new.currency, authorisation=authorisation
    )
    call = GatewayCall(new.gateway_id, operation, new.personal)
    assert (await ActivityEnvironment().run(gateways.authorise, call)).kind is OutcomeKind.RETRYABLE
    assert await durable.simulator.charges(new.id) == 0
    await connections.aclose()
