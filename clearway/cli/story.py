"""Prints a demonstration: a heading, the request as curl, the answer in short, and the checked results.

The steps are in `clearway.cli.demo`. Without a console it prints nothing and still checks.
"""

from __future__ import annotations

import json
import shlex
import sys
import textwrap
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from rich.console import Console

from clearway.cli.api_problems import ApiRefusedError
from clearway.cli.merchant_api import MerchantApi
from clearway.cli.output import out, plain
from clearway.cli.problems import StoryError
from clearway.settings import TEST_API_KEY

WHY_WIDTH: Final = 110
SHOWN: Final = (
    "id",
    "status",
    "amount",
    "currency",
    "amount_captured",
    "amount_refunded",
    "next_action",
    "error_code",
    "error_description",
)
"""The fields of an answer that a story is about."""


@dataclass
class Step:
    """One step, as `--json` shows it."""

    title: str
    why: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    held: list[str] = field(default_factory=list)


class Story:
    """A demonstration with one merchant, printed as it runs."""

    def __init__(self, api: MerchantApi, *, silent: bool, pauses: bool) -> None:
        self.api = api
        self.steps: list[Step] = []
        self.pauses = pauses and not silent and sys.stdin.isatty() and sys.stdout.isatty()
        self._console: Console | None = None if silent else out()

    def step(self, title: str, why: str) -> None:
        """Begin a step: what it does, and why it matters."""
        if self.steps:
            self.pause("Enter: the next step")
        self.steps.append(Step(title, why))
        self.say(f"\n[bold cyan]{len(self.steps)}. {plain(title)}[/]\n{plain(textwrap.fill(why, WHY_WIDTH))}")

    def post(self, path: str, body: dict[str, Any] | None, *, key: str | None = None) -> dict[str, Any]:
        """Send a command and show both sides of it."""
        self._show_request("POST", path, body, key)
        answer: dict[str, Any] = self.api.post(path, body, idempotency_key=key)
        self._show_answer(answer)
        return answer

    def refused(self, path: str, body: dict[str, Any], *, code: str) -> None:
        """Send a command that must be refused with this code."""
        self._show_request("POST", path, body, None)
        try:
            self.api.post(path, body)
        except ApiRefusedError as refusal:
            self.say(f"  → [yellow]{refusal.status}[/] {plain(refusal)}")
            self.check(f"it is refused with {code}", held=refusal.code == code)
            return
        self.check(f"it is refused with {code}", held=False)

    def get(self, path: str) -> dict[str, Any]:
        """Read something and show both sides of it."""
        self._show_request("GET", path, None, None)
        answer: dict[str, Any] = self.api.get(path)
        self._show_answer(answer)
        return answer

    def watched(self, resource: dict[str, Any]) -> None:
        """Print a new status; for `checkout.await_status`."""
        self.say(f"  … {plain(resource['id'])} is [bold]{plain(resource['status'])}[/]")

    def check(self, text: str, *, held: bool) -> None:
        """Go on only if the check holds. Raises StoryError."""
        if not held:
            step = f"step {len(self.steps)} ({self.steps[-1].title})"
            raise StoryError(f"The demo failed. At {step} this was expected: {text}.")
        self.steps[-1].held.append(text)
        self.say(f"  [green]✓[/] {plain(text)}")

    def say(self, text: str) -> None:
        """Print markup."""
        if self._console is not None:
            self._console.print(text)

    def pause(self, prompt: str) -> None:
        """Wait until the reader presses Enter, on a terminal."""
        if self.pauses:
            self.say(f"[dim]{plain(prompt)}[/]")
            sys.stdin.readline()

    def as_json(self) -> list[dict[str, Any]]:
        """Return the steps."""
        return [asdict(step) for step in self.steps]

    def _show_request(self, method: str, path: str, body: dict[str, Any] | None, key: str | None) -> None:
        self.steps[-1].requests.append({"method": method, "path": path, "body": body})
        self.say(f"[dim]{plain(curl(self.api, method, path, body, key))}[/]")

    def _show_answer(self, answer: dict[str, Any]) -> None:
        short = {name: answer[name] for name in SHOWN if answer.get(name) is not None}
        if "data" in answer:
            short = {"items": len(answer["data"])}
        self.steps[-1].requests[-1]["answer"] = short
        self.say(f"  → {plain(json.dumps(short, ensure_ascii=False))}")


def curl(api: MerchantApi, method: str, path: str, body: dict[str, Any] | None, key: str | None) -> str:
    """Return the request as a command to paste. Only the published credentials are written out."""
    published = api.key == TEST_API_KEY
    name, secret = (api.key, api.secret) if published else ("$CLEARWAY_API_KEY", "$CLEARWAY_API_SECRET")
    lines = [f"  curl -s {api.base}{path} -H 'X-Api-Key: {name}' -H 'X-Api-Secret: {secret}'"]
    if not published:
        lines = [lines[0].replace("'", '"')]
    if key is not None:
        lines.append(f"    -H 'Idempotency-Key: {key}'")
    if body is not None:
        lines.append("    -H 'Content-Type: application/json'")
        lines.append(f"    -d {shlex.quote(json.dumps(body))}")
    elif method == "POST":
        lines.append("    -X POST")
    return " \\\n".join(lines)
