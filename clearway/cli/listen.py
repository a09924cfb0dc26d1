"""`clearway listen`: shows events as they happen, and forwards them to a program nearby, signed as webhooks are.

It needs no tunnel: it polls `GET /events`. What the target answers is shown and not retried; real deliveries to the
merchant's endpoints go on beside it, untouched.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections import deque
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

import httpx
import orjson
import typer

from clearway.cli.api_problems import ApiAwayError, uses_proxy
from clearway.cli.event_feed import EventFeed
from clearway.cli.merchant_api import ApiKey, ApiSecret, ApiUrl, MerchantApi, open_api
from clearway.cli.output import JsonFlag, out, plain, print_json_line, remarks
from clearway.cli.problems import CommandError
from clearway.crypto import signing
from clearway.domain.events import EventType
from clearway.local_stack import state_dir

POLL_S: Final = 1.0
RECONNECT_WAIT_MAX_S: Final = 15.0
FORWARD_TIMEOUT_S: Final = 15.0
"""As long as a real delivery waits by default."""
SECRET_FILE: Final = "listen-secret"  # noqa: S105 - the name of a file


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Try it")(listen)


def listen(
    *,
    forward_to: Annotated[
        str | None, typer.Option(help="POST each event to this URL, host:port/path or port.", show_default=False)
    ] = None,
    events: Annotated[
        str | None,
        typer.Option(help="Event types to show, comma separated, such as payment.* Default: all.", show_default=False),
    ] = None,
    print_events: Annotated[bool, typer.Option("--print-json", help="Print each event's JSON on stdout.")] = False,
    print_secret: Annotated[bool, typer.Option("--print-secret", help="Print the signing secret and exit.")] = False,
    skip_verify: Annotated[bool, typer.Option(help="Don't verify the target's TLS certificate.")] = False,
    as_json: JsonFlag = False,
    api_url: ApiUrl = None,
    api_key: ApiKey = None,
    api_secret: ApiSecret = None,
) -> None:
    """Show events as they happen, and forward them to your program with real signatures. Ctrl-C ends it."""
    secret = stable_secret(state_dir())
    if print_secret:
        typer.echo(secret)
        return
    patterns = _patterns(events)
    url = None if forward_to is None else target_url(forward_to)
    voice = Voice(as_json=as_json, print_events=print_events)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell starts background jobs with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    with open_api(api_url, api_key, api_secret) as api, ExitStack() as open_here:
        target = open_here.enter_context(Target(url, secret, skip_verify=skip_verify)) if url else None
        _listen(api, Listener(api, patterns, target, voice), secret)


def _listen(api: MerchantApi, listener: Listener, secret: str) -> None:
    """Listen until Ctrl-C, which is the ordinary end."""
    try:
        listener.feed.start()
        target = listener.target.url if listener.target else None
        listener.voice.ready(secret, target, api.url)
        listener.run()
    except KeyboardInterrupt:
        listener.voice.summary(listener.counts)


@dataclass
class Counts:
    """How many events were shown, and what the target answered."""

    events: int = 0
    forwarded: int = 0
    refused: int = 0
    unanswered: int = 0


@dataclass(frozen=True)
class Answer:
    """The target's answer to one event: a status, or why there is none."""

    status: int | None
    error: str | None
    duration_ms: int

    @property
    def accepted(self) -> bool:
        """Whether a delivery with this answer would be delivered."""
        return self.status is not None and httpx.codes.is_success(self.status)


class Target:
    """The program that events are forwarded to. Use it as a context manager."""

    def __init__(self, url: str, secret: str, *, skip_verify: bool) -> None:
        self.url = url
        self._secret = secret
        self._client = httpx.Client(
            verify=not skip_verify,
            timeout=FORWARD_TIMEOUT_S,
            trust_env=uses_proxy(url),
            headers={"Content-Type": "application/json", "User-Agent": "clearway-cli-listen"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def send(self, event_id: str, body: bytes) -> Answer:
        """POST the body as a webhook. A failure is an answer, too."""
        headers = signing.sign([self._secret], event_id, datetime.now(UTC), body)
        started = time.monotonic()
        try:
            response = self._client.post(self.url, content=body, headers=headers)
        except httpx.TimeoutException:
            return Answer(None, f"no answer within {FORWARD_TIMEOUT_S:.0f} s", _since_ms(started))
        except httpx.HTTPError as error:
            return Answer(None, str(error) or type(error).__name__, _since_ms(started))
        return Answer(response.status_code, None, _since_ms(started))


class Voice:
    """What is printed: lines for people, or JSON lines for programs."""

    def __init__(self, *, as_json: bool, print_events: bool) -> None:
        self._as_json = as_json
        self._print_events = print_events
        self._console = remarks() if print_events else out()

    def ready(self, secret: str, target: str | None, api_url: str) -> None:
        """Say that listening has begun: no later event is missed."""
        if self._as_json:
            print_json_line({"ready": True, "secret": secret, "forward_to": target, "api_url": api_url})
            return
        where = f"forwarding to {plain(target)}" if target else "forwarding nowhere (--forward-to URL does)"
        self._console.print(f"Listening to {plain(api_url)}, {where}. Ctrl-C ends it.")
        self._console.print(f"Signing secret: [bold]{secret}[/]")

    def event(self, event: dict[str, Any], body: bytes, answer: Answer | None) -> None:
        """Print one event and its result."""
        if self._as_json:
            print_json_line({"event": event, "forwarded": asdict(answer) if answer else None})
            return
        if self._print_events:
            print_json_line(orjson.loads(body))
        about = event["data"].get("id") or event["data"].get("endpoint_id")
        line = f"{event['timestamp'][11:23]}  {plain(event['type']):<24} {plain(event['id'])}  {plain(about)}"
        self._console.print(f"{line}  {_answer_in_words(answer)}" if answer else line)

    def trouble(self, text: str) -> None:
        """Print why no events arrive at the moment."""
        remarks().print(f"[yellow]{plain(text)}[/]")

    def summary(self, counts: Counts) -> None:
        """Print the counts."""
        if self._as_json:
            print_json_line({"summary": asdict(counts)})
            return
        refused, unanswered = counts.refused, counts.unanswered
        forwarded = f"; forwarded {counts.forwarded}, {refused} refused, {unanswered} without an answer"
        touched = counts.forwarded + refused + unanswered
        self._console.print(f"\n{counts.events} events{forwarded if touched else ''}.")


@dataclass
class Listener:
    """The loop: poll, show, forward, and come back after trouble."""

    api: MerchantApi
    patterns: tuple[str, ...]
    target: Target | None
    voice: Voice
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        self.feed = EventFeed(self.api)
        self._waiting: deque[dict[str, Any]] = deque()

    def run(self) -> None:
        """Listen until KeyboardInterrupt."""
        troubles = 0
        while True:
            try:
                self.look()
            except ApiAwayError as error:
                troubles += 1
                if troubles == 1:
                    self.voice.trouble(f"{error} Trying again; nothing is missed.")
                time.sleep(min(POLL_S * 2**troubles, RECONNECT_WAIT_MAX_S))
                continue
            if troubles:
                self.voice.trouble("Connected again.")
                troubles = 0
            time.sleep(POLL_S)

    def look(self) -> None:
        """Handle what is new. After an ApiAwayError, what was not handled yet waits for the next look."""
        wanted = (event for event in self.feed.take() if self._is_wanted(event))
        self._waiting.extend(wanted)
        while self._waiting:
            self._handle(self._waiting[0])
            self._waiting.popleft()

    def _is_wanted(self, event: dict[str, Any]) -> bool:
        return any(fnmatchcase(event["type"], pattern) for pattern in self.patterns)

    def _handle(self, event: dict[str, Any]) -> None:
        # The page has the event parsed; the signature must be over the very bytes that a webhook has.
        body = self.api.get_bytes(f"/events/{event['id']}")
        answer = self.target.send(event["id"], body) if self.target else None
        self.counts.events += 1
        if answer is not None:
            self._count(answer)
        self.voice.event(event, body, answer)

    def _count(self, answer: Answer) -> None:
        if answer.accepted:
            self.counts.forwarded += 1
        elif answer.status is not None:
            self.counts.refused += 1
        else:
            self.counts.unanswered += 1


def stable_secret(state_dir: Path) -> str:
    """Return the secret of this machine's listeners: made once, kept where only its owner reads it."""
    path = state_dir / SECRET_FILE
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text().strip()
        with os.fdopen(handle, "w") as file:
            file.write(secret := signing.new_secret())
    except OSError as error:
        message = f"The signing secret can't be kept in {path}: {error.strerror}. Choose another CLEARWAY_STATE_DIR."
        raise CommandError(message) from None
    return secret


def target_url(text: str) -> str:
    """Complete what people type: `3000`, `3000/hooks` and `localhost:3000/hooks` are URLs of this machine."""
    if re.fullmatch(r"\d{1,5}(/.*)?", text):
        text = f"localhost:{text}"
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise typer.BadParameter(f"{text!r} is not an http or https URL.", param_hint="--forward-to")
    return url


def _patterns(text: str | None) -> tuple[str, ...]:
    patterns = tuple(part.strip() for part in (text or "*").split(",") if part.strip()) or ("*",)
    for pattern in patterns:
        if not any(fnmatchcase(event, pattern) for event in EventType):
            known = ", ".join(EventType)
            raise typer.BadParameter(f"no event is called {pattern!r}; there are {known}.", param_hint="--events")
    return patterns


def _answer_in_words(answer: Answer) -> str:
    if answer.status is None:
        return f"[red]no answer[/]: {plain(answer.error)}"
    colour = "green" if answer.accepted else "red"
    return f"[{colour}]{answer.status}[/] in {answer.duration_ms} ms"


def _since_ms(started: float) -> int:
    return round((time.monotonic() - started) * 1_000)
