"""Whether a document means something that is safe: what its JSON Schema cannot say. Pure.

places      every value of a document, and where it stands
names       what is named exists; templates, paths and recipes can be used
outcomes    what answers may become: nothing is taken for a decline, or for a success, that does not say so
hearing     what callbacks may be believed, and that the outcome of every payment becomes known
proof       the examples that a document must ship
"""

from __future__ import annotations

from collections.abc import Iterator

from clearway.gateways.custom.checks import hearing, names, outcomes, proof
from clearway.gateways.custom.language.document import Document

PROBLEMS_MAX = 20


def problems_of(document: Document) -> list[str]:
    """Return what is wrong with the document's meaning, for the person who writes it. Examples are not run here."""
    found = [*names.problems(document)]
    if not found:
        found = [*outcomes.problems(document), *hearing.problems(document), *proof.problems(document)]
    return found[:PROBLEMS_MAX]


def warnings_of(document: Document) -> Iterator[str]:
    """Return what is allowed and has a risk that the merchant should know."""
    yield from hearing.warnings(document)
