"""Check and explain routing rules without making a payment.

The functions take a connection and the merchant's gateways, and write nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from clearway.db import routing
from clearway.domain.errors import NotFoundError, UnprocessableError
from clearway.domain.gateway import GatewayConfig
from clearway.domain.routing import BreakerSays, Decision, decide
from clearway.domain.routing_conditions import PaymentFacts
from clearway.domain.routing_explained import Considered, considered
from clearway.domain.routing_program import Program, ProgramInvalidError, problems, read_program, warnings
from clearway.domain.success_rate import NO_RATES
from clearway.routing.candidates import candidates_of
from clearway.routing.programs import ActiveProgram
from clearway.routing.success_rates import read_rates
from clearway.routing.trying import Trial, try_program
from clearway.routing.versions import find


@dataclass(frozen=True, slots=True)
class Checked:
    """Errors and warnings of rules. program: None when the rules cannot be parsed."""

    program: Program | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def check(document: Any, configs: Iterable[GatewayConfig]) -> Checked:
    """Check the JSON form of a program against the merchant's gateways."""
    try:
        program = read_program(document)
    except ProgramInvalidError as error:
        return Checked(None, error.problems, ())
    known = tuple(configs)
    wrong = problems(program, (config.id for config in known))
    return Checked(program, wrong, warnings(program, (config.id for config in known if config.enabled)))


def refuse_foreign(program: Program, configs: Iterable[GatewayConfig]) -> None:
    """Refuse a program that names gateways of another merchant. Raises UnprocessableError."""
    wrong = problems(program, (config.id for config in configs))
    if wrong:
        detail = f"The routing rules are not valid, and nothing was saved. {'. '.join(wrong)}."
        raise UnprocessableError("routing_program_invalid", detail)


async def program_of(connection: AsyncConnection, merchant_id: str, number: int | None) -> ActiveProgram:
    """Return a version of the merchant's rules; without a number, the active one. Raises NotFoundError."""
    if number is None:
        row = await routing.active(connection, merchant_id)
        return ActiveProgram(Program(), None) if row is None else ActiveProgram(read_program(row.program), row.number)
    row = await find(connection, merchant_id, number)
    return ActiveProgram(read_program(row.program), number)


async def explain(
    connection: AsyncConnection,
    merchant_id: str,
    facts: PaymentFacts,
    configs: Iterable[GatewayConfig],
    number: int | None,
    *,
    says: Callable[[str], BreakerSays],
    now: datetime,
) -> tuple[Decision, tuple[Considered, ...]]:
    """Return the decision for an imagined payment, and the rules used for it.

    says: the state of a gateway's breaker. Breakers and success rates are those of now, whatever `facts.at` is.
    """
    asked = await program_of(connection, merchant_id, number)
    terms = asked.program.success_rate
    rates = NO_RATES if terms is None else await read_rates(connection, merchant_id, terms, now)
    decision = decide(asked.program, asked.version, facts, candidates_of(configs, says), rates)
    return decision, considered(asked.program, facts)


async def dry_run(
    connection: AsyncConnection, merchant_id: str, number: int, configs: Iterable[GatewayConfig], payments: int
) -> Trial:
    """Return what a version would have done with the merchant's last payments."""
    before = await program_of(connection, merchant_id, None)
    after = await program_of(connection, merchant_id, number)
    rows = await routing.last_payments(connection, merchant_id, payments)
    return try_program(before.program, after.program, rows, candidates_of(configs))


async def decision_of(connection: AsyncConnection, merchant_id: str, payment_id: str) -> dict[str, Any]:
    """Return the decision that is stored with a payment. Raises NotFoundError."""
    row = await routing.decision_of(connection, merchant_id, payment_id)
    if row is None:
        raise NotFoundError("payment_not_found", f"You have no payment {payment_id!r}.")
    if row.routing is None:
        detail = (
            f"No routing decision is stored with payment {payment_id}: its row was restored from the gateway's books."
        )
        raise NotFoundError("routing_decision_not_found", detail)
    decision: dict[str, Any] = row.routing
    return decision
