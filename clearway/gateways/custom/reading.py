"""From a gateway's message to an outcome: named values, then the first case that holds. Pure.

Without a case the outcome is UNKNOWN. A value that is there and cannot be read raises AnswerUnreadableError.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qsl

from clearway.gateways.contract import (
    UNKNOWN,
    AnswerUnreadableError,
    GatewayOutcome,
    OperationKind,
    OutcomeKind,
    decline_code,
)
from clearway.gateways.custom import amounts, paths
from clearway.gateways.custom.context import NotSendableError, Writer
from clearway.gateways.custom.form_data import fields_of
from clearway.gateways.custom.language.answers import (
    Before,
    Case,
    Condition,
    IsAmount,
    IsGrown,
    IsPresent,
    Meaning,
    Read,
    Step,
)
from clearway.gateways.custom.language.values import IdentifierValue

BODY_BYTES_MAX: Final = 256 * 1024
FIELDS_MAX: Final = 200
WITH_REFERENCES: Final = frozenset(
    {OutcomeKind.APPROVED, OutcomeKind.PREPARED, OutcomeKind.NEEDS_ACTION, OutcomeKind.PENDING}
)


def parsed(form: str, body: bytes) -> Any:
    """Return a body as JSON, as form fields or as a text under `@`; None for one that is not so."""
    if len(body) > BODY_BYTES_MAX:
        return None
    try:
        return _PARSERS[form](body.decode())
    except (ValueError, RecursionError):
        return None


def form_data(content_type: str, body: bytes) -> paths.Flat | None:
    """Return the fields of a multipart/form-data body; None for one that is not so."""
    return None if len(body) > BODY_BYTES_MAX else fields_of(content_type, body, FIELDS_MAX)


def values_of(reads: Mapping[str, Read], message: Any) -> dict[str, str]:
    """Return the values that a message has."""
    found = {name: _value(read, message) for name, read in reads.items()}
    return {name: value for name, value in found.items() if value is not None}


def outcome_of(
    meaning: Meaning, kind: OperationKind, values: Mapping[str, str], status: int | None, writer: Writer
) -> GatewayOutcome:
    """Return the outcome. status: the HTTP status; None: a message that the gateway sent by itself."""
    case = next((each for each in meaning.cases if _holds(each, values, status, writer)), None)
    if case is None:
        return UNKNOWN
    raw = values.get(meaning.error) if meaning.error else None
    case = _by_error(case, raw, writer)
    outcome = OutcomeKind(case.outcome)
    amount, currency = amount_of(meaning, values, writer) if outcome is OutcomeKind.APPROVED else (None, None)
    declined = outcome is OutcomeKind.DECLINED
    return GatewayOutcome(
        outcome,
        case.executed,
        references=_references(meaning, values, writer) if outcome in WITH_REFERENCES else {},
        amount_minor=amount,
        currency=currency,
        captured=outcome is OutcomeKind.APPROVED and bool(case.captured),
        error_code=decline_code(kind, case.error_code) if declined else None,
        error_description=case.description if declined else None,
        raw_code=raw or None,
        retry_after_s=case.retry_after_s,
    )


def amount_of(meaning: Meaning, values: Mapping[str, str], writer: Writer) -> tuple[int | None, str | None]:
    """Return the amount and the currency that the gateway says, if the document reads them."""
    if meaning.amount is None:
        return None, None
    currency, text = _currency(meaning, values, writer), values.get(meaning.amount.value)
    if text is None or currency is None:
        raise AnswerUnreadableError("the amount or the currency is missing")
    try:
        form = meaning.amount.written or writer.document.amount
        return amounts.read(form, text.strip(), currency, writer.gateway_exponent(currency)), currency
    except (amounts.AmountNotExpressibleError, NotSendableError) as error:
        raise AnswerUnreadableError(str(error)) from None


def iso_of(code: str, writer: Writer) -> str | None:
    """Return the currency that the gateway spells so."""
    known = writer.document.currencies.items()
    return next((iso for iso, currency in known if code in {iso, currency.code}), None)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_PARSERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "json": lambda text: json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant),
    "form": lambda text: paths.Flat(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX)),
    "text": str,
}


def _value(read: Read, message: Any) -> str | None:
    if isinstance(message, str):
        found: str | None = message if "@" in read.paths else None
    else:
        found = next((text for path in read.paths if (text := paths.text_at(message, path)) is not None), None)
    for step in read.normalise:
        found = None if found is None else _normalised(step, found)
    return found


def _normalised(step: Step, text: str) -> str | None:
    if isinstance(step, Before):
        return text.partition(step.before)[0].strip()
    match step:
        case "strip":
            return text.strip()
        case "lower":
            return text.lower()
        case "upper":
            return text.upper()
        case "base64_decode":
            return _decoded(text)
        case "base64_decode_if_valid":
            return _decoded(text) or text


def _decoded(text: str) -> str | None:
    try:
        decoded = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return decoded if decoded.isprintable() and decoded else None


def _holds(case: Case, values: Mapping[str, str], status: int | None, writer: Writer) -> bool:
    when = case.when
    if when.http is not None and not any(_is_status(each, status) for each in when.http):
        return False
    return all(_fulfils(condition, values.get(name), writer) for name, condition in when.values.items())


def _is_status(wanted: int | str, status: int | None) -> bool:
    if status is None:
        return False
    return status == wanted or f"{status // 100}xx" == wanted


def _fulfils(condition: Condition, value: str | None, writer: Writer) -> bool:
    match condition:
        case IsPresent():
            return bool(value) == condition.present
        case IsAmount():
            return _is_amount(value, writer) == condition.is_amount
        case IsGrown():
            return _is_grown(condition, value, writer)
        case _:
            return value in condition


def minor_in(value: str | None, writer: Writer) -> int | None:
    """Return an amount in the operation's currency, in our minor units; None: it is none."""
    operation = writer.operation
    if value is None or operation is None:
        return None
    try:
        digits = writer.gateway_exponent(operation.currency)
        return amounts.read(writer.document.amount, value, operation.currency, digits)
    except (amounts.AmountNotExpressibleError, NotSendableError):
        return None


def _is_amount(value: str | None, writer: Writer) -> bool:
    found = minor_in(value, writer)
    return found is not None and writer.operation is not None and found == writer.operation.amount_minor


def _is_grown(condition: IsGrown, value: str | None, writer: Writer) -> bool:
    """Compare with the baseline. Without one the refund was not sent: only what was never refunded is certain."""
    found, operation = minor_in(value, writer), writer.operation
    if found is None or operation is None:
        return False
    if operation.baseline is None or not operation.baseline.isdecimal():
        return condition.grown_by == "nothing" and found == 0
    by = operation.amount_minor if condition.grown_by == "amount" else 0
    return found == int(operation.baseline) + by


def _by_error(case: Case, raw: str | None, writer: Writer) -> Case:
    """Return the case, with what the error table says of the gateway's code."""
    row = writer.document.errors.get(raw) if raw is not None else None
    if case.outcome == "by_error":
        if row is None:
            return case.model_copy(update={"outcome": "unknown", "executed": None})
        given = {"outcome": row.outcome, "executed": row.executed}
        return case.model_copy(update=given | {"error_code": row.error_code, "description": row.description})
    if row is None or case.outcome != "declined":
        return case
    return case.model_copy(
        update={
            "executed": case.executed or row.executed,
            "error_code": case.error_code or row.error_code,
            "description": case.description or row.description,
        }
    )


def _references(meaning: Meaning, values: Mapping[str, str], writer: Writer) -> dict[str, str]:
    found = {}
    for name, source in meaning.references.items():
        value = writer.identifier(source.identifier) if isinstance(source, IdentifierValue) else values.get(source)
        if not value:
            raise AnswerUnreadableError(f"the answer lacks the reference {name!r}")
        found[name] = value
    return found


def _currency(meaning: Meaning, values: Mapping[str, str], writer: Writer) -> str | None:
    if meaning.currency is not None:
        return iso_of(values.get(meaning.currency, ""), writer)
    if writer.operation is not None:
        return writer.operation.currency
    return next(iter(writer.document.currencies)) if len(writer.document.currencies) == 1 else None
