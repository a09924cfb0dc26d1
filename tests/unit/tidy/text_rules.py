"""Rules about words: documents, links, the change log, and what must not be said in a public repository."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Final
from urllib.parse import unquote

from clearway.settings import Settings
from tests.unit.tidy.source import ROOT, Finding, Rule, Source, tracked_paths

FENCE: Final = re.compile(r"^\s*(```|~~~)")
HEADING: Final = re.compile(r"^(#{1,6}) (.+?)\s*#*$")
LINK: Final = re.compile(r"!?\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
ADR_NAME: Final = re.compile(r"^docs/adr/(\d{4})-[a-z0-9-]+\.md$")

MACHINE_PATHS: Final = tuple(f"/{folder}/" for folder in ("work", "root"))
MACHINE_PATH: Final = re.compile(r"(?<![\w./}~-])(" + "|".join(map(re.escape, MACHINE_PATHS)) + ")")
REGISTRY_SETTING: Final = re.compile(
    r"(--(extra-)?index-url|UV_(DEFAULT_)?INDEX(_URL)?|PIP_INDEX_URL|GOPROXY|npm_config_registry)\s*[= ]\s*[\"']?"
    r"https?:"
)
LOCKED_URL: Final = re.compile(r"https?://([^/\"]+)")
PUBLIC_INDEX: Final = frozenset({"a4aa2ac280bb8d1a", "c899567ee9068517"})
"""Digests of the hosts of the public index: only the lock file may name them."""

URL_HOST: Final = re.compile(r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,})(?=[/:\"'`) ]|$)")
RESERVED_HOST: Final = re.compile(
    r"(^|\.)(example\.(com|org|net)|example|test|invalid|localhost|internal|temporal\.io|json-schema\.org|w3\.org)$"
)

CHANGELOG_SECTIONS: Final = frozenset({"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"})
RELEASE: Final = re.compile(r"^\[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$")


def _prose(source: Source) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines outside of code blocks."""
    in_code = False
    for number, line in enumerate(source.lines, 1):
        if FENCE.match(line):
            in_code = not in_code
        elif not in_code:
            yield number, line


def _headings(source: Source) -> Iterator[tuple[int, int, str]]:
    for number, line in _prose(source):
        if found := HEADING.match(line):
            yield number, len(found[1]), found[2]


def document_title(source: Source) -> Iterator[Finding]:
    """A document has one subject, and says it first."""
    if not source.is_markdown:
        return
    titles = [number for number, level, _ in _headings(source) if level == 1]
    if len(titles) != 1:
        yield source.at(1, f"{len(titles)} titles: one line `# Title`, and `##` below it")
    elif titles[0] != 1:
        yield source.at(titles[0], "the title is not the first line: put it there")


def document_link(source: Source) -> Iterator[Finding]:
    """A link leads somewhere."""
    if not source.is_markdown:
        return
    for number, line in _prose(source):
        for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
            if not re.match(r"[a-z]+:", target):
                yield from _dead(source, number, unquote(target))


def _dead(source: Source, number: int, target: str) -> Iterator[Finding]:
    path, _, anchor = target.partition("#")
    folder = PurePosixPath(source.path).parent
    found = normpath(str(folder / path)) if path else source.path
    if not (found in tracked_paths() or (ROOT / found).is_dir() or found == source.path):
        yield source.at(number, f"dead link {target}: {found} does not exist; name what does, or drop the link")
    elif anchor and found.endswith(".md"):
        document = source if found == source.path else Source(found, (ROOT / found).read_text(encoding="utf-8"))
        if anchor not in {_slug(title) for _, _, title in _headings(document)}:
            yield source.at(number, f"dead link {target}: {found} has no heading #{anchor}")


def document_listed(source: Source) -> Iterator[Finding]:
    """A reader finds each document from the README; decisions have their folder."""
    if source.path != "README.md":
        return
    listed = set(LINK.findall(source.text))
    for path in sorted(tracked_paths()):
        if (
            path.startswith("docs/")
            and path.endswith(".md")
            and not path.startswith("docs/adr/")
            and path not in listed
        ):
            yield source.at(1, f"{path} is linked nowhere: add it to *Where to read on*")


def _slug(title: str) -> str:
    """Return a heading's anchor as GitHub makes it."""
    kept = re.sub(r"[^\w\- ]", "", re.sub(r"[`*_]|\]\([^)]*\)|\[", "", title).lower())
    return kept.replace(" ", "-")


def adr_name(source: Source) -> Iterator[Finding]:
    """A decision is cited by its number."""
    if not source.path.startswith("docs/adr/") or source.path == "docs/adr/README.md":
        return
    found = ADR_NAME.match(source.path)
    if found is None:
        yield source.at(1, "is not called NNNN-title-in-words.md")
        return
    same = sorted(path for path in tracked_paths() if path.startswith(f"docs/adr/{found[1]}-"))
    if same and same[0] != source.path:
        yield source.at(1, f"number {found[1]} is taken by {same[0]}: take the next free one")


def machine_path(source: Source) -> Iterator[Finding]:
    """What holds on one machine only is of no use in a repository."""
    for number, line in enumerate(source.lines, 1):
        if found := MACHINE_PATH.search(line):
            yield source.at(number, f"{found[1]} is a path of one machine: say it relative to the checkout or to $HOME")


def _digest(host: str) -> str:
    return hashlib.sha256(host.encode()).hexdigest()[:16]


def registry(source: Source) -> Iterator[Finding]:
    """Where packages come from is each machine's own business; the lock file names the public index."""
    if source.path == "uv.lock":
        foreign = {host for host in LOCKED_URL.findall(source.text) if _digest(host) not in PUBLIC_INDEX}
        if foreign:
            yield source.at(1, f"locked from {sorted(foreign)}: lock against the public index")
        return
    for number, line in enumerate(source.lines, 1):
        if REGISTRY_SETTING.search(line):
            yield source.at(number, "names a package registry: leave that to the machine's own configuration")


def test_host(source: Source) -> Iterator[Finding]:
    """Tests talk to this machine only; names in them belong to nobody (RFC 2606, RFC 6761)."""
    if not (source.is_test and source.is_python):
        return
    for number, line in enumerate(source.lines, 1):
        for host in URL_HOST.findall(line):
            if not RESERVED_HOST.search(host):
                yield source.at(number, f"{host} is somebody's: use shop.example, hooks.invalid or 127.0.0.1")


test_host.__test__ = False  # type: ignore[attr-defined]  # a rule, whatever its name looks like to pytest


def setting_documented(source: Source) -> Iterator[Finding]:
    """An operator finds every variable in one place."""
    if source.path != "docs/operations.md":
        return
    for name in Settings.model_fields:
        if not re.search(rf"\b{name.upper()}\b", source.text):
            yield source.at(1, f"does not tell of {name.upper()}: say what it is for, and its default")


def changelog(source: Source) -> Iterator[Finding]:
    """The change log keeps a form that people and programs know (keepachangelog.com)."""
    if source.path != "CHANGELOG.md":
        return
    headings = list(_headings(source))
    releases = [(number, title) for number, level, title in headings if level == 2]
    if not releases or releases[0][1] != "[Unreleased]":
        yield source.at(1, "does not begin with `## [Unreleased]`")
    for number, title in releases[1:]:
        if not RELEASE.match(title):
            yield source.at(number, f"{title!r} is not `[1.2.3] - 2026-01-31`")
    for number, level, title in headings:
        if level == 3 and title not in CHANGELOG_SECTIONS:
            yield source.at(number, f"{title!r} is not one of {', '.join(sorted(CHANGELOG_SECTIONS))}")


TEXT_RULES: Final = (
    Rule("document-title", document_title),
    Rule("document-link", document_link),
    Rule("document-listed", document_listed),
    Rule("adr-name", adr_name),
    Rule("machine-path", machine_path),
    Rule("registry", registry),
    Rule("test-host", test_host),
    Rule("setting-documented", setting_documented),
    Rule("changelog", changelog),
)
