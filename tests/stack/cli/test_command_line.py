"""What holds for every command: exit codes, one line for a problem, JSON alone on stdout, a clean end."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE

import pytest

from tests.stack.cli.command import Cli

COMMANDS = (
    *("dev", "doctor", "api", "worker", "simulator", "migrate", "seed", "secrets", "reencrypt"),
    *("demo", "trigger", "listen", "faults", "payments", "refunds", "webhooks", "endpoints", "events", "temporal"),
    *("merchants", "keys"),
)
NOWHERE = "http://127.0.0.1:1"


async def test_help_lists_every_command(cold_cli: Cli) -> None:
    """What there is can be found without a document."""
    shown = await cold_cli("--help")
    assert shown.code == 0
    words = set(shown.out.split())
    assert words.issuperset(COMMANDS)


async def test_without_arguments_it_helps(cold_cli: Cli) -> None:
    """A bare `clearway` prints the help, and has the exit code of wrong usage."""
    shown = await cold_cli()
    assert shown.code == 2
    assert "Usage:" in shown.out + shown.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("nope",),
        ("payments", "list", "--status", "lost"),
        ("payments", "resolve", "pay_1", "--outcome", "expired", "--reason", "x"),
        ("payments", "resolve", "pay_1", "--outcome", "failed"),
        ("refunds", "resolve", "rfnd_1", "--outcome", "success", "--reason", "x"),
        ("trigger", "payment.lost"),
        ("trigger", "payment.success", "--amount", "0"),
        ("trigger", "payment.success", "--currency", "XXX"),
        ("listen", "--events", "payment.lost"),
        ("listen", "--forward-to", "ftp://127.0.0.1"),
        ("worker", "--queues", "payments,nope"),
        ("worker", "--processes", "0"),
        ("api", "--port", "0"),
        ("seed", "--receiver-url", "http://127.0.0.1:1"),
        ("merchants", "add", " "),
    ],
)
async def test_wrong_usage_is_code_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    """Wrong usage has an exit code of its own, so that a script can distinguish it from a failure."""
    shown = await cli(*arguments)
    assert shown.code == 2
    assert shown.out == ""
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("payments", "list"),
        ("payments", "show", "pay_1"),
        ("refunds", "list"),
        ("webhooks", "list"),
        ("webhooks", "retry", "dlv_1"),
        ("events", "list"),
        ("trigger", "payment.success"),
        ("listen",),
        ("demo", "--fast"),
    ],
)
async def test_an_api_that_is_away_is_one_line(cli: Cli, arguments: tuple[str, ...]) -> None:
    """The line names the address and the way out, and stdout stays empty."""
    shown = await cli(*arguments, "--json", CLEARWAY_API_URL=NOWHERE)
    assert NOWHERE in shown.problem
    assert "clearway dev" in shown.problem
    assert "--api-url" in shown.problem
    assert shown.out == ""


async def test_something_else_at_the_address_is_one_line(cli: Cli) -> None:
    """When another program answers at the address, the line says that it is not the API."""
    with_path = await cli("payments", "list", "--api-url", "not a url")
    assert "is not the URL of an API" in with_path.problem


async def test_temporal_that_is_away_is_one_line_and_a_clean_end(cold_cli: Cli) -> None:
    """A command that had a Temporal client ends by its exit code, not by a signal of the interpreter's end."""
    shown = await cold_cli(
        *("payments", "resolve", "pay_1", "--outcome", "failed", "--reason", "x"), TEMPORAL_ADDRESS="127.0.0.1:1"
    )
    assert "127.0.0.1:1" in shown.problem
    assert "TEMPORAL_ADDRESS" in shown.problem


async def test_a_wrong_setting_is_named(cli: Cli) -> None:
    """The line names the variable, and does not repeat its value, which may be a secret."""
    shown = await cli("migrate", DATABASE_POOL_SIZE="plenty")
    assert "DATABASE_POOL_SIZE" in shown.problem
    assert "plenty" not in shown.problem


async def test_production_refuses_published_secrets(cold_cli: Cli) -> None:
    """The way out of the refusal works: with what `clearway secrets` prints, the settings are accepted."""
    refused = await cold_cli("migrate", "--check", CLEARWAY_ENV="production")
    assert "clearway secrets" in refused.problem
    fresh = (await cold_cli("secrets", "--json")).json
    accepted = await cold_cli("migrate", "--check", CLEARWAY_ENV="production", DATABASE_URL=f"{DATABASE}:1/x", **fresh)
    assert "DATABASE_URL" in accepted.problem


DATABASE = "postgresql+asyncpg://postgres:hidden@127.0.0.1"


async def test_a_database_that_is_away_is_one_line_without_its_password(cli: Cli) -> None:
    """The line names the database, without its password."""
    for command in (("migrate",), ("seed",), ("merchants", "list")):
        shown = await cli(*command, DATABASE_URL=f"{DATABASE}:1/x")
        assert "127.0.0.1:1" in shown.problem
        assert "hidden" not in shown.problem


async def test_secrets_are_fresh_each_time(cli: Cli) -> None:
    """Two installations never get the same secrets, and the plain form is a `.env` file."""
    first, second = [(await cli("secrets", "--json")).json for _ in range(2)]
    assert set(first) == {"SECRET_KEYS", "API_KEY_PEPPERS", "SIMULATOR_WEBHOOK_SECRET"}
    assert not set(first.values()) & set(second.values())
    lines = (await cli("secrets")).out.splitlines()
    assert [line.partition("=")[0] for line in lines] == list(first)


async def test_lists_for_programs_are_json_alone(cli: Cli) -> None:
    """`--json` puts one document on stdout and nothing beside it."""
    for command in (("doctor",), ("trigger", "--list"), ("secrets",)):
        shown = await cli(*command, "--json")
        assert shown.json
        assert shown.err == ""


async def test_no_color_and_pipes_have_no_escapes(cold_cli: Cli) -> None:
    """What is piped is text."""
    for environment in ({}, {"NO_COLOR": "1"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}):
        shown = await cold_cli("trigger", "--list", **environment)
        assert "\x1b[3" not in shown.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_shells_get_a_completion(cold_cli: Cli, shell: str) -> None:
    """The words of the command line complete in the shell, whichever shell the tests were started from."""
    shown = await cold_cli("--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert shown.code == 0
    assert "_CLEARWAY_COMPLETE" in shown.out


async def test_a_reader_that_leaves_is_no_traceback(cold_cli: Cli) -> None:
    """`clearway … | head` ends quietly."""
    process = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", f"{sys.executable} -m clearway.cli trigger --list | true"),
        cwd=cold_cli.folder,
        env=cold_cli.environment,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    _, err = await process.communicate()
    assert b"Traceback" not in err


async def test_an_error_nobody_foresaw_is_one_line_and_a_traceback_on_request(cold_cli: Cli) -> None:
    """An unexpected error is one line; with the option it shows the traceback."""
    (cold_cli.folder / "sitecustomize.py").write_text(
        "import clearway.cli.output as output\n"
        "def broken(*arguments): raise RuntimeError('it broke')\n"
        "output.print_json = broken\n"
    )
    path = f"{cold_cli.folder}:{cold_cli.environment['PYTHONPATH']}"
    shown = await cold_cli("secrets", "--json", PYTHONPATH=path)
    assert "unexpected RuntimeError: it broke" in shown.problem
    debugged = await cold_cli("secrets", "--json", PYTHONPATH=path, CLEARWAY_DEBUG="1")
    assert "Traceback" in debugged.err
    assert debugged.code == 1
