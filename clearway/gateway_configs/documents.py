"""Check the document of a custom gateway on its own, before anything is entered for it."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from clearway.gateways.custom import checks, proving
from clearway.gateways.custom.kind import CustomSettings


async def checked(content: Any) -> tuple[list[str], list[str]]:
    """Return what is wrong with the document, and warnings about its gateway's protocol."""
    try:
        document = CustomSettings.model_validate({"document": content}).described()
    except ValidationError as error:
        said = [problem["msg"] for problem in error.errors(include_input=False, include_url=False)]
        return [part for text in said for part in text.removeprefix("Value error, ").split("; ")], []
    problems = checks.problems_of(document) or await proving.failures(document)
    return problems, list(checks.warnings_of(document))
