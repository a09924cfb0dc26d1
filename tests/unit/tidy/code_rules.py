"""Rules about what Python code may do where: money without floats, workflows without clocks, nothing swallowed."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from typing import Final

from tests.unit.tidy.source import Finding, Rule, Source

BANNED_CALLS: Final = {
    "datetime.utcnow": "datetime.now(UTC)",
    "datetime.utcfromtimestamp": "datetime.fromtimestamp(seconds, UTC)",
    "datetime.datetime.utcnow": "datetime.now(UTC)",
}
BANNED_IN_WORKFLOWS: Final = {
    "datetime.now": "workflow.now()",
    "datetime.today": "workflow.now()",
    "date.today": "workflow.now().date()",
    "time.time": "workflow.time()",
    "time.time_ns": "workflow.time_ns()",
    "time.monotonic": "workflow.time()",
    "time.sleep": "workflow.sleep()",
    "uuid.uuid4": "workflow.uuid4(), or an id the API or an activity has made",
    "uuid4": "workflow.uuid4(), or an id the API or an activity has made",
    "new_id": "an id that the API or an activity has made and handed over",
}
"""A replay must come to the same decisions, so a workflow asks Temporal for time and chance."""
CHANCE_MODULES: Final = frozenset({"random", "secrets"})

MONEY_MODULES: Final = (
    "clearway/domain/money.py",
    "clearway/domain/ledger.py",
    "clearway/domain/payment.py",
    "clearway/domain/refund.py",
    "clearway/db/ledger.py",
    "clearway/db/payments/",
    "clearway/db/refunds/",
    "clearway/payments/",
    "clearway/refunds/",
    "api/payments/",
    "api/refunds/",
    "api/orders/",
)
AMOUNT_NAME: Final = re.compile(r"(^|_)(amount|minor)($|_)")

DOMAIN_MAY_IMPORT: Final = (
    frozenset({"clearway", "iso4217", "orjson", "pydantic", "pydantic_core"}) | sys.stdlib_module_names
)
STDLIB_IO: Final = frozenset({"asyncio", "http", "logging", "os", "socket", "sqlite3", "ssl", "subprocess", "urllib"})

LEFTOVER: Final = re.compile(r"#.*\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b")
PRINTING: Final = ("clearway/cli/", "scripts/")


def _dotted(node: ast.AST) -> str:
    """Return `a.b.c` for such an expression, else nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""


def _calls(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes:
        if isinstance(node, ast.Call):
            yield node.lineno, _dotted(node.func)


def _imported(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def banned_call(source: Source) -> Iterator[Finding]:
    """A moment without a zone is ambiguous; a wait that asks again by `eval` works only where the page allows it."""
    for line, name in _calls(source):
        if name in BANNED_CALLS:
            yield source.at(line, f"{name}() makes a moment without a zone: use {BANNED_CALLS[name]}")
        elif name.endswith(".wait_for_function"):
            yield source.at(line, f"{name}() breaks a content security policy: use until() of the browser tests' waits")


def workflow_determinism(source: Source) -> Iterator[Finding]:
    """A replayed workflow must decide as it did."""
    if not source.path.startswith("workflows/"):
        return
    for line, name in _calls(source):
        if name in BANNED_IN_WORKFLOWS:
            yield source.at(line, f"{name}() differs in a replay: use {BANNED_IN_WORKFLOWS[name]}")
        elif name.split(".")[0] in CHANCE_MODULES:
            yield source.at(line, f"{name}() differs in a replay: use workflow.random()")


def money_without_floats(source: Source) -> Iterator[Finding]:
    """No float ever touches an amount."""
    for node in source.nodes:
        if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            name = node.arg if isinstance(node, ast.arg) else _dotted(node.target)
            if AMOUNT_NAME.search(name) and "float" in ast.unparse(node.annotation):
                yield source.at(node.lineno, f"{name} is a float: amounts are ints of minor units")
        elif source.path.startswith(MONEY_MODULES):
            yield from _float_at(source, node)


def _float_at(source: Source, node: ast.AST) -> Iterator[Finding]:
    if isinstance(node, ast.Call) and _dotted(node.func) == "float":
        yield source.at(node.lineno, "float() beside money: keep ints of minor units, and Money to render them")
    elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
        yield source.at(node.lineno, "`/` makes a float: use divmod() or //, and say who gets the remainder")
    elif isinstance(node, ast.Constant) and isinstance(node.value, float):
        yield source.at(node.lineno, f"{node.value} is a float beside money: use ints of minor units or basis points")


def pure_domain(source: Source) -> Iterator[Finding]:
    """The rules of payments run anywhere: in a workflow, an activity, a test. They do no I/O."""
    if not source.path.startswith("clearway/domain/"):
        return
    for line, name in _imported(source):
        top = name.split(".")[0]
        foreign = top == "clearway" and not f"{name}.".startswith("clearway.domain.")
        if foreign or top not in DOMAIN_MAY_IMPORT or top in STDLIB_IO:
            yield source.at(line, f"the domain imports {name}: take what is needed as an argument")


def programs_are_roots(source: Source) -> Iterator[Finding]:
    """A program puts everything together, so no module may import it."""
    if source.is_test or not source.is_python:
        return
    for line, name in _imported(source):
        top = name.split(".")[0]
        outside = not source.path.startswith(("api/", "scripts/"))
        if top == "worker" or (top == "api" and outside):
            yield source.at(line, f"imports {name}: move what is shared to clearway, or start it as a process")


def leftover(source: Source) -> Iterator[Finding]:
    """Open work is a numbered issue, not a comment."""
    for number, line in enumerate(source.lines, 1):
        if (source.is_python or source.path.endswith((".sh", ".yml", ".toml"))) and LEFTOVER.search(line):
            yield source.at(number, "a note to oneself: do it now, or open an issue and say why it can wait")


def printing(source: Source) -> Iterator[Finding]:
    """Programs log; only commands speak to a terminal."""
    if not source.is_program or source.path.startswith(PRINTING):
        return
    for line, name in _calls(source):
        if name == "print":
            yield source.at(line, "print() in a program: log with structlog, or write it in clearway/cli")


def swallowing(source: Source) -> Iterator[Finding]:
    """A swallowed error is found by a customer."""
    for node in source.nodes:
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            yield source.at(node.lineno, "bare except: name the errors that are expected here")
        elif _dotted(node.type) in {"Exception", "BaseException"} and _does_nothing(node.body):
            yield source.at(node.lineno, "every error swallowed: name the expected ones, or log it")


def _does_nothing(body: list[ast.stmt]) -> bool:
    return all(isinstance(statement, ast.Pass | ast.Continue) for statement in body)


CODE_RULES: Final = (
    Rule("banned-call", banned_call),
    Rule("workflow-determinism", workflow_determinism),
    Rule("money-without-floats", money_without_floats),
    Rule("pure-domain", pure_domain),
    Rule("programs-are-roots", programs_are_roots),
    Rule("leftover", leftover),
    Rule("printing", printing),
    Rule("swallowing", swallowing),
)
