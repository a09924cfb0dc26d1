"""Templates of text fields: filled in under a limit of work, with a short list of filters.

An amount is never written by a template, and a secret is not among its names.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

import minijinja

FUEL: Final = 5_000
"""Instructions that one template may take. The longest honest one takes some tens."""
RESULT_LENGTH_MAX: Final = 4_096
STATEMENTS: Final = frozenset({"if", "elif", "else", "endif"})
_TAG: Final = re.compile(r"(\{\{|\{%)(.*?)(?:\}\}|%\})", re.DOTALL)
_EXPRESSION: Final = re.compile(r"""[-+]?(?:[\w\s.|(),=!<>]|'[^'{}]*'|"[^"{}]*")*[-+]?""")
"""Names, filters, comparisons and texts: no lists, no arithmetic, no joining, so that nothing can grow."""
_MARKS: Final = ("{{", "}}", "{%", "%}", "{#")
_BUILT_IN: Final = (
    *("abs", "attr", "batch", "bool", "capitalize", "chain", "count", "d", "default", "dictsort", "e", "escape"),
    *("first", "float", "format", "groupby", "indent", "int", "items", "join", "last", "length", "lines", "list"),
    *("lower", "map", "max", "min", "pprint", "reject", "rejectattr", "replace", "reverse", "round", "safe", "select"),
    *("selectattr", "slice", "sort", "split", "string", "sum", "title", "tojson", "trim", "unique", "upper"),
    *("urlencode", "zip"),
)
_GLOBALS: Final = ("range", "dict", "debug", "namespace")


class TemplateFailedError(ValueError):
    """A template names what is not there, takes too much work, or uses what the language does not have."""


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _truncate(text: str, length: int) -> str:
    return text[: max(length, 0)]


def _pad(text: str, length: int) -> str:
    if length > RESULT_LENGTH_MAX:
        raise TemplateFailedError("a text cannot be padded so far")
    return text.rjust(length, "0")


FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    "upper": str.upper,
    "lower": str.lower,
    "urlencode": lambda text: quote(str(text), safe=""),
    "base64": lambda text: _base64(str(text)),
    "truncate": lambda text, length: _truncate(str(text), length),
    "pad": lambda text, length: _pad(str(text), length),
}


def _environment(finalizer: Callable[[Any], Any] | None) -> minijinja.Environment:
    environment = minijinja.Environment(
        undefined_behavior="strict", fuel=FUEL, pycompat=False, auto_escape_callback=lambda _: False
    )
    for name in _BUILT_IN:
        environment.remove_filter(name)
    for name in _GLOBALS:
        environment.remove_global(name)
    for name, function in FILTERS.items():
        environment.add_filter(name, function)
    if finalizer is not None:
        environment.finalizer = finalizer
    return environment


_TEXT: Final = _environment(None)
_PATH: Final = _environment(lambda value: quote(str(value), safe=""))


def filled_in(template: str, names: Mapping[str, Any]) -> str:
    """Return the text. Raises TemplateFailedError."""
    return _rendered(_TEXT, template, names)


def path_filled_in(template: str, names: Mapping[str, Any]) -> str:
    """Return a path, with all that is filled in URL-encoded. Raises TemplateFailedError."""
    path = _rendered(_PATH, template, names)
    if {".", ".."} & set(path.split("/")) or set("\\?#") & set(path) or path.startswith("//"):
        raise TemplateFailedError("the path leads elsewhere: it has a dot segment, or a character that ends a path")
    return path


@lru_cache(maxsize=2_048)
def problem_of(template: str) -> str | None:
    """Return what is wrong with a template that the language does not have, or None."""
    for mark, content in _TAG.findall(template):
        if not _EXPRESSION.fullmatch(content):
            return f"{content.strip()!r} is more than names, filters, comparisons and texts"
        statement = next(iter(content.strip("-+ ").split()), "")
        if mark == "{%" and statement not in STATEMENTS:
            return f"the statement {statement!r} does not exist; there is only {{% if %}}"
    if any(mark in _TAG.sub("", template) for mark in _MARKS):
        return "a tag does not end, or a comment begins"
    try:
        _TEXT.undeclared_variables_in_str(template)
    except minijinja.TemplateError as error:
        return f"it cannot be read: {error.message}"
    return None


def roots_of(template: str) -> set[str]:
    """Return the names that a template uses, such as `payment.id`."""
    return set(_TEXT.undeclared_variables_in_str(template, nested=True))


def _rendered(environment: minijinja.Environment, template: str, names: Mapping[str, Any]) -> str:
    if "{" not in template:
        return template
    problem = problem_of(template)
    if problem is not None:
        raise TemplateFailedError(problem)
    try:
        text: str = environment.render_str(template, **names)
    except minijinja.TemplateError as error:
        raise TemplateFailedError(str(error.message)) from None
    except (TypeError, ValueError) as error:
        raise TemplateFailedError(f"it cannot be filled in: {error}") from None
    if len(text) > RESULT_LENGTH_MAX:
        raise TemplateFailedError(f"it becomes longer than {RESULT_LENGTH_MAX} characters")
    return text
