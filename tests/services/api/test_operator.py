"""`/operator`: jobs, dead letters, system health and reviews of all merchants, for operators; each look is audited."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from clearway.crypto.encryption import Cipher
from clearway.db.tables import audit_log, mails, payments, users, webhook_deliveries
from clearway.domain.ids import USER, new_id
from clearway.durable.messages import payment_workflow_id
from clearway.durable.schedules import MAINTENANCE, health_schedule_id
from clearway.mail import letters as letters_of_mails
from clearway.mail import outbox
from clearway.monitoring import ended_badly, jobs
from clearway.settings import Settings
from tests.services.api.conftest import PATIENCE_S, Caller, Payer, eventually
from tests.services.api.gateway_sending import event_about, send
from tests.services.api.people import add_person, browser, sign_in
from tests.services.api.test_gateway_events import send_when_ended
from workflows import schedules
from workflows.maintenance import MaintenanceWorkflow


@pytest.fixture(autouse=True)
def slow_temporal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Temporal take as long for an answer as a slow machine does."""
    for module in (jobs, ended_badly):
        monkeypatch.setattr(module, "ASK_TIMEOUT", timedelta(seconds=PATIENCE_S))


@pytest.fixture
async def operator(app: FastAPI, api_engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    """Sign an operator in, who is a member of nothing."""
    person = await add_person(api_engine, f"{new_id(USER)}@example.test")
    async with api_engine.begin() as connection:
        await connection.execute(update(users).where(users.c.id == person.id).values(is_operator=True))
    async with browser(app) as http:
        await sign_in(http, person)
        yield http


async def read(http: httpx.AsyncClient, path: str, **query: object) -> dict[str, Any]:
    """Read a page that answers."""
    answer = await http.get(path, params=query)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def letters(http: httpx.AsyncClient, kind: str) -> dict[str, dict[str, Any]]:
    """Return the newest dead letters of a kind by their ids."""
    return {each["id"]: each for each in (await read(http, "/operator/dead_letters", kind=kind, limit=100))["data"]}


async def actions(engine: AsyncEngine, subject_id: str) -> list[str]:
    """Return what the audit log has about a subject."""
    async with engine.connect() as connection:
        query = select(audit_log.c.action).where(audit_log.c.subject_id == subject_id).order_by(audit_log.c.id)
        return list((await connection.execute(query)).scalars())


async def test_a_look_is_audited_and_an_act_has_its_own_row(
    operator: httpx.AsyncClient, api_engine: AsyncEngine, temporal: Client
) -> None:
    """Reading leaves one `operator.look` with the path, however often a page polls; a refused act leaves nothing."""

    async def looks() -> int:
        async with api_engine.connect() as connection:
            query = select(audit_log.c.detail).where(audit_log.c.action == "operator.look")
            found = (await connection.execute(query)).scalars()
            return sum(1 for each in found if each["path"] == "/api/v1/operator/system")

    before = await looks()
    await read(operator, "/operator/system")
    await read(operator, "/operator/system")
    assert await looks() == before + 1
    refused = await operator.post("/operator/jobs/run", json={"id": "no-such-job"})
    assert (refused.status_code, refused.json()["code"]) == (404, "job_not_found")
    refused = await operator.post("/operator/jobs/run", json={"id": health_schedule_id("gw_" + "0" * 26)})
    assert (refused.status_code, refused.json()["code"]) == (404, "job_not_found")


async def test_merchants_are_found_by_a_part_of_their_name_and_by_id(
    operator: httpx.AsyncClient, caller: Caller, new_caller: Any
) -> None:
    """A search finds a merchant by id alone; signs of a pattern are letters like others."""
    await new_caller()
    found = await read(operator, "/operator/merchants", search=caller.id)
    assert [each["id"] for each in found["data"]] == [caller.id]
    by_name = await read(operator, "/operator/merchants", search="a sHop", limit=100)
    assert len(by_name["data"]) >= 2
    assert (await read(operator, "/operator/merchants", search="%"))["data"] == []


async def test_the_health_of_the_installation(operator: httpx.AsyncClient, payer: Payer) -> None:
    """Postgres and Temporal answer with their versions; workers poll every queue; this process is connected."""
    system = await read(operator, "/operator/system")
    parts = {each["name"]: each for each in system["parts"]}
    assert all(each["answers"] and each["version"] for each in parts.values())
    assert parts["database"]["detail"]["connections_max"] > 0
    assert {each["name"] for each in system["queues"]} == {"payments", "deliveries", "operations", "mails"}
    assert all(each["workers"] for each in system["queues"])
    [process] = [each for each in system["processes"] if each["program"] == "clearway-api"]
    assert process["version"] == system["version"]
    assert process["connections"] >= 1
    assert {each["kind"] for each in system["overdue"]} == {"deliveries", "mails"}


async def test_jobs_show_their_runs_and_can_be_run_now(
    operator: httpx.AsyncClient, payer: Payer, temporal: Client, api_engine: AsyncEngine, api_settings: Settings
) -> None:
    """Housekeeping that is run by hand shows its result and when it runs next; the act is audited."""
    await schedules.ensure(temporal, MAINTENANCE, MaintenanceWorkflow.run, api_settings.maintenance_every_s)

    started = await operator.post("/operator/jobs/run", json={"id": MAINTENANCE})
    assert (started.status_code, started.json()["id"]) == (202, MAINTENANCE)

    async def housekeeping() -> dict[str, Any]:
        jobs = (await read(operator, "/operator/jobs"))["jobs"]
        return next(dict(each) for each in jobs if each["id"] == MAINTENANCE)

    job = await eventually(housekeeping, lambda found: bool(found["last"]) and found["last"]["status"] == "completed")
    assert job["next_at"] > job["last"]["started_at"]
    assert "deliveries_looked_at" in job["last"]["result"]
    assert "job.run" in await actions(api_engine, "installation")


@pytest.mark.usefixtures("patience")
async def test_health_checks_are_jobs_of_gateways(operator: httpx.AsyncClient, payer: Payer, temporal: Client) -> None:
    """The check of a new gateway is listed with its merchant and runs by hand; that of a disabled one is paused."""
    made = await payer.http.post("/gateways", json={"kind": "simulator", "name": "Checked", "test": False})
    gateway_id = made.json()["id"]

    async def check() -> dict[str, Any]:
        page = await read(operator, "/operator/jobs/health_checks", limit=20)
        return next((dict(each) for each in page["data"] if each["gateway_id"] == gateway_id), {})

    job = await eventually(check, lambda found: bool(found.get("last")))
    assert (job["gateway_name"], job["merchant_id"], job["paused"]) == ("Checked", payer.id, False)
    assert (await operator.post("/operator/jobs/run", json={"id": job["id"]})).status_code == 202
    await payer.http.post(f"/gateways/{gateway_id}/disable")
    assert (await eventually(check, lambda found: bool(found["paused"])))["next_at"] is None


async def test_a_failed_delivery_is_a_dead_letter_until_it_is_retried(
    operator: httpx.AsyncClient, payer: Payer, api_engine: AsyncEngine
) -> None:
    """A delivery after its last attempt is listed with its merchant; the operator's retry is the merchant's own."""
    endpoint = await payer.http.post("/webhook_endpoints", json={"url": "http://127.0.0.1:9/nobody"})
    assert endpoint.status_code == 201, endpoint.text
    payment = await payer.payment()

    async def deliveries() -> dict[str, Any]:
        return dict((await payer.http.get("/webhooks", params={"payment_id": payment["id"]})).json())

    [delivery, *_] = (await eventually(deliveries, lambda found: bool(found["data"])))["data"]
    async with api_engine.begin() as connection:
        this = webhook_deliveries.c.id == delivery["id"]
        values = {"status": "failed", "next_attempt_at": None, "last_error": "nobody answers"}
        await connection.execute(update(webhook_deliveries).where(this).values(**values))

    found = (await letters(operator, "delivery"))[delivery["id"]]
    assert (found["merchant_id"], found["payment_id"], found["can_retry"]) == (payer.id, payment["id"], True)
    retried = await operator.post(f"/webhooks/{delivery['id']}/retry", headers={"X-Clearway-Merchant": payer.id})
    assert retried.status_code == 200, retried.text
    await payer.http.patch(f"/webhook_endpoints/{endpoint.json()['id']}", json={"status": "disabled"})
    assert not (await letters(operator, "delivery"))[delivery["id"]]["can_retry"]


async def test_a_failed_mail_is_sent_again_unless_its_link_is_over(
    operator: httpx.AsyncClient, api_engine: AsyncEngine, api_settings: Settings, temporal: Client
) -> None:
    """A mail that was given up is listed without its text, and sent again once; one whose link is over is not."""
    now = datetime.now(UTC)
    failed = {"status": "failed", "error": "given up", "give_up_at": now, "due_at": now, "ended_at": now}
    letter = letters_of_mails.recovery_codes_replaced("unreachable@example.test", at=now)
    cipher = Cipher.from_settings(api_settings.secret_keys.get_secret_value())
    async with api_engine.begin() as connection:
        useful, useless = [await outbox.record(connection, cipher, letter) for _ in range(2)]
        for mail_id, over in ((useful, None), (useless, now - timedelta(minutes=1))):
            values = failed | {"useless_after": over}
            await connection.execute(update(mails).where(mails.c.id == mail_id).values(**values))

    found = await letters(operator, "mail")
    assert (found[useful]["can_retry"], found[useless]["can_retry"]) == (True, False)
    assert letter.to not in str(found)
    assert (await operator.post(f"/operator/mails/{useful}/resend")).json()["status"] == "pending"
    for refused in (useful, useless, "mail_nothing"):
        answer = await operator.post(f"/operator/mails/{refused}/resend")
        assert (answer.status_code, answer.json()["code"]) == (409, "mail_not_resendable")
    assert await actions(api_engine, useful) == ["mail.resend"]


async def test_an_event_that_was_not_used_is_a_dead_letter(
    operator: httpx.AsyncClient, payer: Payer, anonymous: httpx.AsyncClient
) -> None:
    """An event with a stale signature is listed with its reason; one that was used is not."""
    paid = await payer.payment()
    used = await send_when_ended(anonymous, to=payer, event=event_about(f"{paid['id']}:authorise:1"))
    assert used == "late"
    refused = await send(anonymous, to=payer, event=event_about(f"{paid['id']}:authorise:1"), at=1_700_000_000)
    assert refused.status_code in {400, 401, 403}
    mine = [each for each in (await letters(operator, "gateway_event")).values() if each["merchant_id"] == payer.id]
    assert [each["what"] for each in mine] == ["refused"]
    assert mine[0]["error"]


async def test_a_terminated_workflow_is_a_dead_letter_until_a_later_run(
    operator: httpx.AsyncClient, payer: Payer, temporal: Client
) -> None:
    """A payment whose workflow was terminated is listed with the reason, and no longer once a run continues it."""
    payment = await payer.payment(vpa="wrongamount@clearway", until="needs_review")
    workflow_id = payment_workflow_id(payment["id"])
    await temporal.get_workflow_handle(workflow_id).terminate(reason="by mistake")

    async def mine() -> dict[str, Any]:
        return (await letters(operator, "workflow")).get(workflow_id, {})

    found = await eventually(mine, bool)
    assert (found["status"], found["error"], found["can_retry"]) == ("terminated", "by mistake", True)
    assert (found["merchant_id"], found["payment_id"]) == (payer.id, payment["id"])
    decision = {"outcome": "failed", "reason": "not found at the gateway"}
    headers = {"X-Clearway-Merchant": payer.id}
    decided = await operator.post(f"/payments/{payment['id']}/resolve", json=decision, headers=headers)
    assert decided.status_code == 200, decided.text
    assert await eventually(mine, lambda found: not found) == {}


async def test_the_queue_of_reviews_says_what_is_known(
    operator: httpx.AsyncClient, payer: Payer, anonymous: httpx.AsyncClient, api_engine: AsyncEngine
) -> None:
    """A payment under review has its amount and gateway; a contradiction has its meaning, and is closed once."""
    doubtful = await payer.payment(vpa="wrongamount@clearway", until="needs_review")
    failed = await payer.payment(vpa="failure@razorpay", until="failed")
    await send_when_ended(anonymous, to=payer, event=event_about(f"{failed['id']}:authorise:1"))

    queue = (await read(operator, "/operator/reviews", limit=100))["data"]
    mine = {each["subject_id"]: each for each in queue if each["merchant_id"] == payer.id}
    waiting, contradiction = mine[doubtful["id"]], mine[failed["id"]]
    assert (waiting["amount"], waiting["currency"], waiting["gateway"]) == (doubtful["amount"], "INR", "simulator")
    assert waiting["gateway_reference"]
    assert (contradiction["review_kind"], contradiction["payment_id"]) == ("taken_after_end", failed["id"])
    assert "give it back" in contradiction["meaning"]

    path = f"/operator/reviews/{contradiction['id']}/close"
    closed = await operator.post(path, json={"resolution": "refunded at the acquirer"})
    assert (closed.status_code, closed.json()["resolution"]) == (200, "refunded at the acquirer")
    assert closed.json()["resolved_by"].startswith("user:")
    again = await operator.post(path, json={"resolution": "again"})
    assert (again.status_code, again.json()["code"]) == (409, "review_closed")
    missing = await operator.post("/operator/reviews/rev_nothing/close", json={"resolution": "x"})
    assert (missing.status_code, missing.json()["code"]) == (404, "review_not_found")
    assert await actions(api_engine, contradiction["id"]) == ["review.close"]


async def test_the_queue_of_reviews_is_gone_through_page_by_page(
    operator: httpx.AsyncClient, payer: Payer, api_engine: AsyncEngine
) -> None:
    """Each page goes on where the last one ended, the longest waiting first; decisions in between leave no gap."""
    made = [(await payer.payment(vpa="wrongamount@clearway", until="needs_review"))["id"] for _ in range(3)]
    async with api_engine.begin() as connection:  # two have waited equally long
        opened = update(payments).where(payments.c.id.in_(made[:2])).values(updated_at=datetime(2026, 1, 1, tzinfo=UTC))
        await connection.execute(opened)
    whole = (await read(operator, "/operator/reviews", limit=100))["data"]
    first = await read(operator, "/operator/reviews", limit=1)
    decision = {"outcome": "failed", "reason": "not found at the gateway"}
    headers = {"X-Clearway-Merchant": payer.id}
    shown = first["data"][0]["subject_id"]
    assert shown in made[:2]
    decided = await operator.post(f"/payments/{shown}/resolve", json=decision, headers=headers)
    assert decided.status_code == 200, decided.text

    seen, page = list(first["data"]), first
    while page["next_cursor"]:
        page = await read(operator, "/operator/reviews", limit=1, cursor=page["next_cursor"])
        seen += page["data"]

    assert [each["id"] for each in seen] == [each["id"] for each in whole]
    assert {each["subject_id"] for each in seen} >= set(made)
    assert [each["since"] for each in seen] == sorted(each["since"] for each in seen)
    for cursor in (made[0], "1.pay_x", f"x.{made[0]}", f"{10**16}.{made[0]}", f"1.{payer.id}"):
        refused = await operator.get("/operator/reviews", params={"cursor": cursor})
        assert (refused.status_code, refused.json()["code"]) == (400, "cursor_invalid")
