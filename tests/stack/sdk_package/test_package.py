"""The npm package of the SDK: packed and imported, with types; and the committed script is built from its source."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from clearway.dev.builds import Step, wheel
from clearway.dev.dashboard_build import NODE_WHEEL, load_builder
from clearway.dev.reporting import SilentReporter

SOURCE: Final = Path(__file__).parents[3] / "web" / "sdk"
SERVED: Final = SOURCE.parents[1] / "api" / "hosted" / "sdk"
IMPORTING: Final = """
import { PaymentGateway } from "@clearway/checkout";
const gateway = new PaymentGateway({ key: "key_test_abc123", orderId: "order_1", checkoutUrl: "https://pay.example" });
console.log(typeof gateway.open, PaymentGateway.version);
"""
TYPED: Final = """
import { PaymentGateway, type Success } from "@clearway/checkout";
const gateway = new PaymentGateway({ key: "key_1", orderId: "order_1", onSuccess: (paid: Success) => paid.payment_id });
gateway.addEventListener("close", (event) => event.detail.result === "pending");
gateway.addEventListener("success", (event) => event.detail.status.length);
const opened: boolean = gateway.open();
// @ts-expect-error: an order is needed
new PaymentGateway({ key: "key_1" });
// @ts-expect-error: no such theme
new PaymentGateway({ key: "key_1", orderId: "order_1", theme: "blue" });
// @ts-expect-error: a success has no such field
gateway.addEventListener("success", (event) => event.detail.paid);
"""


@pytest.fixture(scope="module")
async def node() -> Any:
    """Find Node and npm as `make web` does: those of the path, or those of the package index."""
    build = load_builder()
    return build.find_node() or build.find_node(await wheel(NODE_WHEEL, Step(SilentReporter(), "node")))


def run(node: Any, *command: str, cwd: Path) -> str:
    """Run `npm …` or `node …` to its end; return its output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    path = os.pathsep.join([str(Path(node.node[0]).parent), kept["PATH"]])
    program = {"npm": node.npm, "node": node.node}[command[0]]
    done = subprocess.run(  # noqa: S603 - our own words
        [*program, *command[1:]],
        cwd=cwd,
        env={**kept, "PATH": path},
        check=False,
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def source(node: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the source into a folder like that of the checkout, and install what builds it."""
    folder = tmp_path_factory.mktemp("sdk")
    shutil.copytree(SOURCE, folder / "web" / "sdk", ignore=shutil.ignore_patterns("node_modules", "dist"))
    shutil.copytree(SERVED, folder / "api" / "hosted" / "sdk")
    run(
        node, "npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder / "web" / "sdk"
    )
    return folder / "web" / "sdk"


def test_the_committed_script_is_what_the_source_gives(node: Any, source: Path) -> None:
    """A build of the source gives the committed bytes; a changed source is noticed."""
    run(node, "npm", "run", "types", cwd=source)
    assert "bytes compressed" in run(node, "npm", "run", "check", cwd=source)
    words = source / "src" / "words.ts"
    words.write_text(words.read_text("utf-8").replace("Payment|Close", "Payments|Close"), encoding="utf-8")
    with pytest.raises(AssertionError, match="run `npm run build`"):
        run(node, "npm", "run", "check", cwd=source)
    shutil.copy(SOURCE / "src" / "words.ts", words)


def test_the_package_is_imported_with_its_types(node: Any, source: Path, tmp_path: Path) -> None:
    """A shop installs the packed package; importing it needs no browser, so a server may render with it."""
    run(node, "npm", "pack", "--pack-destination", str(tmp_path), cwd=source)
    (packed,) = tmp_path.glob("*.tgz")
    (tmp_path / "package.json").write_text('{"type": "module", "private": true}')
    run(node, "npm", "install", "--offline", "--no-audit", "--no-fund", f"./{packed.name}", cwd=tmp_path)
    (tmp_path / "shop.js").write_text(IMPORTING)
    assert run(node, "node", "shop.js", cwd=tmp_path).split() == ["function", "1.0.0"]
    (tmp_path / "shop.ts").write_text(TYPED)
    compiler = str(source / "node_modules" / "typescript" / "bin" / "tsc")
    flags = ("--noEmit", "--strict", "--module", "esnext", "--moduleResolution", "bundler", "--types", "")
    run(node, "node", compiler, *flags, "--target", "es2022", "shop.ts", cwd=tmp_path)
