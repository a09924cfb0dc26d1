"""What every command has in common: the options of the connection, and the result as text or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from clearway.cli.app import app
from clearway.cli.decorators import Result, asks_api, shows_result
from clearway.cli.merchant_api import MerchantApi

API = ("--api-url", "http://127.0.0.1:9", "--api-key", "a key", "--api-secret", "a secret")
asked: list[MerchantApi] = []
trial = typer.Typer()


@trial.command("look")
@asks_api
@shows_result
def look(api: MerchantApi, word: str, *, times: int = 1) -> Result:
    """Look."""
    asked.append(api)
    return Result({"word": word * times, "key": api.key}, f"about {word}", remarks=["Take care."])


@trial.command("judge")
@shows_result
def judge() -> Result:
    """Judge."""
    return Result({"good": False}, "It is bad.", error=typer.Exit(1))


@trial.command("dump")
@shows_result
def dump() -> Result:
    """Dump."""
    return Result([1])


def commands_of(command: object, *names: str) -> Iterator[tuple[str, set[str]]]:
    """Yield every command with its options."""
    if isinstance(command, TyperGroup):
        for name, each in command.commands.items():
            yield from commands_of(each, *names, name)
    elif isinstance(command, TyperCommand):
        yield " ".join(names), {name for each in command.params for name in each.opts}


RUNNING = {"dev", "api", "dashboard", "checkout", "worker", "simulator", "temporal"}
COMMANDS = dict(commands_of(get_command(app)))


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - RUNNING))
def test_every_command_answers_programs(name: str) -> None:
    """Every command but those that run a server takes --json."""
    assert "--json" in COMMANDS[name]


def test_commands_are_found() -> None:
    """They are found in the program."""
    assert len(COMMANDS) > 100


def test_people_read_text() -> None:
    """Without --json, people read the text on stdout and the remarks on stderr."""
    done = CliRunner().invoke(trial, ["look", "me", *API])
    assert (done.exit_code, done.stdout, done.stderr) == (0, "about me\n", "Take care.\n")


def test_programs_get_json() -> None:
    """With --json, stdout is the data alone."""
    done = CliRunner().invoke(trial, ["look", "me", "--times", "2", "--json", *API])
    assert json.loads(done.stdout) == {"word": "meme", "key": "a key"}
    assert not done.stderr


def test_the_client_is_closed() -> None:
    """The client of the API is closed when the command has ended."""
    asked.clear()
    CliRunner().invoke(trial, ["look", "me", *API])
    assert [api._client.is_closed for api in asked] == [True]


@pytest.mark.parametrize(("more", "shown"), [((), "It is bad.\n"), (("--json",), '{\n  "good": false\n}\n')])
def test_a_bad_result_is_shown_before_the_command_fails(more: tuple[str, ...], shown: str) -> None:
    """What a command found is printed also when its exit code is 1."""
    done = CliRunner().invoke(trial, ["judge", *more])
    assert (done.exit_code, done.stdout) == (1, shown)


def test_what_has_no_text_is_json_in_any_case() -> None:
    """Without a text, people read the JSON."""
    assert json.loads(CliRunner().invoke(trial, ["dump"]).stdout) == [1]
