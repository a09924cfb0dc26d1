"""What a payment's own lists say: its attempts, its history, its captures and its bookings."""

from __future__ import annotations

from tests.services.api.conftest import Payer


class TestAttempts:
    """`GET /payments/{id}/attempts`."""

    async def test_each_attempt_is_listed_with_gateway_times_and_error(self, payer: Payer) -> None:
        """A decline is shown with the unified code, the gateway's own code, and whether the gateway acted."""
        made = await payer.payment(vpa="failure@razorpay", until="failed")
        listed = (await payer.http.get(f"/payments/{made['id']}/attempts")).json()
        [attempt] = listed["data"]
        assert (attempt["number"], attempt["status"], attempt["gateway"]) == (1, "failed", "simulator")
        assert (attempt["error_code"], attempt["raw_code"]) == ("payment_declined", "upi_declined")
        assert (attempt["executed"], attempt["gateway_id"]) == ("yes", made["gateway_id"])
        assert attempt["started_at"] <= attempt["ended_at"]


class TestHistory:
    """`GET /payments/{id}/history`."""

    async def test_it_has_every_step_with_reason_and_actor(self, payer: Payer) -> None:
        """The history has the steps of the payment and its refunds, oldest first, each with its event."""
        paid = await payer.payment()
        refund = (await payer.http.post(f"/payments/{paid['id']}/refunds", json={"amount": 1})).json()
        await payer.refund_in(refund["id"], "processed")
        history = (await payer.http.get(f"/payments/{paid['id']}/history")).json()
        steps = [(step["type"], step["from_status"], step["to_status"]) for step in history["data"]]
        assert steps[0] == ("payment.created", None, "pending")
        assert ("payment.success", "pending", "success") in steps
        assert steps[-2:] == [("refund.created", None, "pending"), ("refund.processed", "pending", "processed")]
        assert all(step["reason"] and step["actor"] and step["at"].endswith("Z") for step in history["data"])
        event = await payer.http.get(f"/events/{history['data'][-1]['event_id']}")
        assert event.json()["data"]["id"] == refund["id"]


class TestBooks:
    """`GET /payments/{id}/captures` and `/ledger`."""

    async def test_they_say_what_was_taken_and_how_it_was_booked(self, payer: Payer) -> None:
        """A paid and partly refunded payment has one capture; its bookings balance, and net to what is left."""
        paid = await payer.payment()
        refund = (await payer.http.post(f"/payments/{paid['id']}/refunds", json={"amount": 1})).json()
        await payer.refund_in(refund["id"], "processed")
        captures = (await payer.http.get(f"/payments/{paid['id']}/captures")).json()["data"]
        assert [(each["amount"], each["currency"]) for each in captures] == [(paid["amount"], paid["currency"])]
        ledger = (await payer.http.get(f"/payments/{paid['id']}/ledger")).json()["data"]
        assert [each["kind"] for each in ledger] == ["capture", "refund_reserved", "refund_processed"]
        assert [each["refund_id"] for each in ledger] == [None, refund["id"], refund["id"]]
        assert all(sum(entry["amount"] for entry in each["entries"]) == 0 for each in ledger)
        lines = [entry for each in ledger for entry in each["entries"]]
        receivable = next(entry["account"] for entry in ledger[0]["entries"] if entry["amount"] > 0)
        assert sum(entry["amount"] for entry in lines if entry["account"] == receivable) == paid["amount"] - 1

    async def test_nothing_is_booked_before_money_moves(self, payer: Payer) -> None:
        """A payment that failed has no capture and no booking."""
        failed = await payer.payment(vpa="failure@razorpay", until="failed")
        for part in ("captures", "ledger"):
            assert (await payer.http.get(f"/payments/{failed['id']}/{part}")).json()["data"] == []
