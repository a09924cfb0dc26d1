"""Routes that a real gateway does not have: the journal of effects, the fault switches, and health."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from clearway.simulator.fault_kinds import WORDS
from clearway.simulator.faults import FaultRule, Operation
from clearway.simulator.listed_values import listed_values
from clearway.simulator.records import Effect
from clearway.simulator.service import Running

router = APIRouter()


@router.get("/health")
async def health(service: Running) -> Response:
    """Return whether the service works, its pending work, and the number of active fault rules."""
    pending = service.store.one("SELECT count(*) AS n FROM operations WHERE decide_at IS NOT NULL") or {"n": 0}
    unsent = service.store.one("SELECT count(*) AS n FROM webhooks WHERE due_at IS NOT NULL") or {"n": 0}
    body = {
        "status": "ok" if service.works else "failed",
        "pending_decisions": pending["n"],
        "undelivered_webhooks": unsent["n"],
        "fault_rules": len(service.switches.rules),
    }
    return JSONResponse(body, 200 if service.works else 503)


@router.get("/journal")
async def journal(
    service: Running,
    payment_id: str | None = None,
    operation_key: str | None = None,
    type: Effect | None = None,  # noqa: A002 - the name of the query parameter
    gateway: str | None = None,
) -> dict[str, Any]:
    """Return every effect that the gateways really had, oldest first, and their balance per currency.

    gateway: through which API it came, the simulator's own or a facade's. account: the account there.
    """
    wanted = {"payment_id": payment_id, "operation_key": operation_key, "type": type, "gateway": gateway}
    given = {name: value for name, value in wanted.items() if value is not None}
    where = " AND ".join(f"{name} = ?" for name in given) or "1"
    query = f"SELECT * FROM effects_by_gateway WHERE {where} ORDER BY sequence"  # noqa: S608 - names are ours
    effects = service.store.all(query, *given.values())
    return {"effects": effects, "balance": _balance(effects)}


@router.get("/faults")
async def get_faults(service: Running, account: str | None = None) -> list[FaultRule]:
    """Return the active rules, or those of an account alone, and how often each was applied."""
    rules = service.switches.rules
    return rules if account is None else [rule for rule in rules if rule.match.account == account]


@router.get("/fault_kinds")
async def get_fault_kinds() -> dict[str, Any]:
    """Return the operations that a rule may match, and the faults, with what each does."""
    faults = [{"fault": kind.value, "description": words} for kind, words in WORDS.items()]
    return {"operations": [each.value for each in Operation], "faults": faults}


@router.get("/test_values")
async def get_test_values() -> dict[str, Any]:
    """Return every value with a fixed result."""
    return {"data": [asdict(value) for value in listed_values()]}


@router.post("/faults", status_code=201)
async def add_fault(rule: FaultRule, service: Running) -> FaultRule:
    """Put a rule before those in force."""
    service.switches.add(rule)
    return service.switches.rules[0]


@router.put("/faults")
async def put_faults(rules: list[FaultRule], service: Running) -> list[FaultRule]:
    """Replace all rules. The first that applies wins."""
    service.switches.replace(rules)
    return service.switches.rules


@router.delete("/faults", status_code=204)
async def delete_faults(service: Running, account: str | None = None) -> None:
    """Switch off every fault rule, or those of an account; the faults of test values stay."""
    service.switches.clear(account)


def _balance(effects: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Sum per currency. held: authorised, neither captured nor voided. net: captured less what stays refunded."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys((effect.value for effect in Effect), 0))
    for effect in effects:
        sums[effect["currency"]][effect["type"]] += effect["amount"]
    for totals in sums.values():
        totals["held"] = totals["authorised"] - totals["captured"] - totals["voided"]
        totals["net"] = totals["captured"] - totals["refunded"] + totals["refund_reversed"]
    return dict(sums)
