"""Every command that a document shows does what the document says, in bash and in zsh."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from clearway.dev import stand_ins
from clearway.dev.places import cache_dir
from clearway.dev.ports import Ports
from clearway.dev.stack import Stack, StackOptions
from clearway.settings import TEST_API_KEY, TEST_API_SECRET
from tests.stack.documents.blocks import ROOT, Block, blocks_of, documents
from tests.stack.documents.examples import LIMIT_S, Desk, text_with
from tests.support.warm_cli import WarmCli

PREAMBLE = """
curl() { command curl --fail-with-body "$@" || exit 22; }
sleep() { command sleep 5; }
set -e
"""
"""A refused request fails the block, and a simulator without delays needs no patience."""
RUN = [path for path in documents() if any(not block.not_run for block in blocks_of(path))]
SHELLS = [shell for shell in ("bash", "zsh") if shutil.which(shell)]


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Run a stack whose payments are decided at once."""
    options = StackOptions(
        state_dir=tmp_path_factory.mktemp("documents"),
        ports=Ports.free(),
        env={"TEST_PROCESSING_DELAY": "200", "WEBHOOK_RETRY_INTERVALS_TEST": "true"},
        stand_ins=True,
    )
    async with Stack(options) as stack:
        yield stack


def merchant(stack: Stack) -> httpx.AsyncClient:
    """Return the API as the published test merchant calls it."""
    headers = {"X-Api-Key": TEST_API_KEY, "X-Api-Secret": TEST_API_SECRET}
    return httpx.AsyncClient(base_url=f"{stack.api_url}/api/v1", headers=headers, trust_env=False)


def here(text: str, stack: Stack) -> str:
    """Name the addresses of this stack in place of those of `make dev`."""
    places = {
        "http://127.0.0.1:8000": stack.api_url,
        "http://127.0.0.1:4000": stack.receiver_url,
        "127.0.0.1:4000": stack.receiver_url.removeprefix("http://"),
        "http://127.0.0.1:4010": stack.simulator_url,
    }
    for written, real in places.items():
        text = text.replace(written, real)
    return text


async def test_the_test_merchant_has_gateways_to_choose_from(stack: Stack) -> None:
    """The simulator first, then Stripe, PayPal and Square, each with credentials and webhooks that work."""
    assert stack.gateways == ["Simulator", "Stripe", "PayPal", "Square"]
    async with merchant(stack) as http:
        shown = (await http.get("/test/merchant")).json()["gateways"]
        assert [each["kind"] for each in shown] == ["simulator", "stripe", "paypal", "square"]
        for gateway in shown[1:]:
            tested = (await http.post(f"/gateways/{gateway['id']}/test")).json()
            assert tested["ok"], tested
            assert not any("webhook" in warning for warning in tested["warnings"])


async def test_gateways_are_connected_once_and_follow_the_ports(stack: Stack) -> None:
    """A later start adds none; a gateway that points at the ports of an earlier start gets those of today."""
    async with merchant(stack) as http:
        before = (await http.get("/gateways")).json()["data"]
        [stripe] = [each for each in before if each["kind"] == "stripe"]
        old = {"settings": {"api_base": "http://127.0.0.1:9/stripe"}, "test": False}
        assert (await http.patch(f"/gateways/{stripe['id']}", json=old)).status_code == 200
        names = await stand_ins.connect_test_merchant(stack.api_url, stack.simulator_url)
        after = (await http.get("/gateways")).json()["data"]
    assert names == stack.gateways
    assert [each["id"] for each in after] == [each["id"] for each in before]
    assert [each["settings"] for each in after] == [each["settings"] for each in before]
    assert [each["credentials"] for each in after if each["kind"] == "stripe"] != [stripe["credentials"]]


def test_both_shells_are_tried() -> None:
    """A machine without zsh runs the rest; on CI nothing is left out."""
    if "CI" in os.environ:
        assert SHELLS == ["bash", "zsh"]


@pytest.mark.timeout(2 * LIMIT_S)
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("document", RUN, ids=lambda page: page.relative_to(ROOT).as_posix())
async def test_the_commands_of_a_document_work(
    document: Path, shell: str, stack: Stack, tmp_path: Path, warm: WarmCli
) -> None:
    """Pasted one after another into one terminal, every command of a document succeeds."""
    text = "\n".join(block.text for block in blocks_of(document) if not block.not_run)
    path = (warm.program(tmp_path).parent, Path(sys.executable).parent, os.environ["PATH"])
    environment = {
        **os.environ,
        "PATH": os.pathsep.join(map(str, path)),
        "CLEARWAY_STATE_DIR": str(stack.state_dir),
        "CLEARWAY_CACHE_DIR": str(cache_dir()),
        "ZDOTDIR": str(tmp_path),
    }
    async with merchant(stack) as http:
        text = await text_with(text, Desk(http, environment, warm))
    process = await asyncio.create_subprocess_exec(
        *(shell, "-c", here(PREAMBLE + text, stack)), cwd=ROOT, env=environment, stdout=PIPE, stderr=STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
    assert process.returncode == 0, output.decode()


@pytest.mark.parametrize("block", [block for path in documents() for block in blocks_of(path)], ids=str)
def test_no_block_has_comments(block: Block) -> None:
    """An interactive zsh takes `# …` for words of the command, so what a block does is said around it."""
    comments = [line for line in block.text.splitlines() if line.lstrip().startswith("#") or " # " in line]
    assert comments == [], f"{block.path}:{block.line}"
