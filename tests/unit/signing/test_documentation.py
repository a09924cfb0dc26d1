"""docs/webhooks.md: its code verifies what Clearway really sends, and its tables match the code."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clearway.crypto.signing import new_secret, sign
from clearway.domain import limits
from clearway.domain.events import EventType
from clearway.egress import SendError
from clearway.settings import LIVE_RETRY_INTERVALS_S, TEST_RETRY_INTERVALS_S, Settings

PAGE = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text(encoding="utf-8")
BODY = '{"id":"evt_1","type":"payment.success","data":{"note":"₹ दस"}}'.encode()
CURRENT, PREVIOUS, STRANGER = new_secret(), new_secret(), new_secret()


def blocks(language: str) -> list[str]:
    """Return the page's code blocks in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    """Return the text under a heading."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def table(text: str) -> list[list[str]]:
    """Return the cells of a section's first table, without its head."""
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def delivered(secrets: list[str], age_s: int = 0) -> dict[str, str]:
    """Return the headers of a delivery made so long ago."""
    return sign(secrets, "evt_1", datetime.now(UTC) - timedelta(seconds=age_s), BODY)


def standard_cases() -> dict[str, tuple[str, bytes, dict[str, str], bool]]:
    """Return requests and whether Clearway signed them, as of now: a signature is valid for five minutes."""
    headers = delivered([CURRENT, PREVIOUS])
    return {
        "current": (CURRENT, BODY, headers, True),
        "previous": (PREVIOUS, BODY, headers, True),
        "stranger": (STRANGER, BODY, headers, False),
        "tampered": (CURRENT, BODY.replace(b"success", b"created"), headers, False),
        "other-id": (CURRENT, BODY, headers | {"webhook-id": "evt_2"}, False),
        "too-old": (CURRENT, BODY, delivered([CURRENT], age_s=900), False),
        "too-young": (CURRENT, BODY, delivered([CURRENT], age_s=-900), False),
        "no-headers": (CURRENT, BODY, {}, False),
        "malformed": (CURRENT, BODY, headers | {"webhook-signature": "nonsense"}, False),
        "time-in-words": (CURRENT, BODY, headers | {"webhook-timestamp": "now"}, False),
        "short-signature": (CURRENT, BODY, headers | {"webhook-signature": "v1,AA=="}, False),
    }


SIGNATURE = delivered([CURRENT, PREVIOUS])["X-Webhook-Signature"]
BODY_CASES = {
    "current": (CURRENT, BODY, SIGNATURE, True),
    "previous": (PREVIOUS, BODY, SIGNATURE, True),
    "stranger": (STRANGER, BODY, SIGNATURE, False),
    "tampered": (CURRENT, BODY + b" ", SIGNATURE, False),
    "missing": (CURRENT, BODY, None, False),
    "not-ascii": (CURRENT, BODY, "é" * 64, False),
    "short": (CURRENT, BODY, SIGNATURE[:40], False),
}


def python_example(name: str) -> Any:
    """Return a function of the page's Python examples."""
    (source,) = [block for block in blocks("python") if f"def {name}(" in block]
    names: dict[str, Any] = {}
    exec(compile(source, f"docs/webhooks.md:{name}", "exec"), names)  # noqa: S102 - the examples are what is tested
    return names[name]


@pytest.mark.parametrize("case", standard_cases())
def test_python_with_the_package(case):
    """The Python example accepts Clearway's requests, with either secret of a rotation, and no others."""
    secret, body, headers, accepted = standard_cases()[case]
    event = python_example("verified_event")(secret, body, headers)
    assert (event is not None) == accepted
    assert event is None or event["id"] == "evt_1"


@pytest.mark.parametrize(("secret", "body", "signature", "accepted"), BODY_CASES.values(), ids=BODY_CASES)
def test_python_alone(secret, body, signature, accepted):
    """The example for X-Webhook-Signature accepts Clearway's requests and no others."""
    assert python_example("body_is_signed")(secret, body, signature) is accepted


PROGRAMS = {
    "php": """<?php
        {example}
        foreach (json_decode(stream_get_contents(STDIN), true) as $case) {
            $verdicts[] = is_signed($case[0], base64_decode($case[1]), $case[2]);
        }
        echo json_encode($verdicts);
    """,
    "ruby": """
        {example}
        require "json"
        cases = JSON.parse(STDIN.read)
        puts cases.map { |secret, body, headers| signed?(secret, Base64.decode64(body), headers) }.to_json
    """,
}


@pytest.mark.parametrize("language", PROGRAMS)
def test_other_languages(language, tmp_path):
    """The PHP and Ruby examples give the same verdicts, where these languages are installed."""
    program = shutil.which(language)
    if program is None:
        pytest.skip(f"needs {language} on PATH")
    (example,) = blocks(language)
    script = tmp_path / f"run.{language}"
    script.write_text(PROGRAMS[language].replace("{example}", example), encoding="utf-8")
    cases = standard_cases().values()
    sent = [
        (secret, base64.b64encode(body).decode(), {key.lower(): value for key, value in headers.items()})
        for secret, body, headers, _ in cases
    ]
    finished = subprocess.run(  # noqa: S603 - the language, on a file of this test
        [program, str(script)], input=json.dumps(sent).encode(), capture_output=True, check=False, timeout=30
    )
    assert finished.returncode == 0, finished.stderr.decode()
    assert json.loads(finished.stdout) == [accepted for *_, accepted in cases]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node on PATH")
def test_node(tmp_path):
    """The Node.js example gives the same verdicts on the same requests."""
    (source,) = blocks("js")
    (tmp_path / "verify.mjs").write_text(source, encoding="utf-8")
    (tmp_path / "run.mjs").write_text(
        """
        import * as verify from "./verify.mjs";
        import { readFileSync } from "node:fs";
        const cases = JSON.parse(readFileSync(0, "utf8"));
        const run = ([name, secret, body, given]) => verify[name](secret, Buffer.from(body, "base64"), given);
        console.log(JSON.stringify(cases.map(run)));
        """,
        encoding="utf-8",
    )
    standard = standard_cases()
    lower = {name: {key.lower(): value for key, value in case[2].items()} for name, case in standard.items()}
    cases = [("isSigned", case[0], case[1], lower[name]) for name, case in standard.items()]
    cases += [("bodyIsSigned", case[0], case[1], case[2]) for case in BODY_CASES.values()]
    sent = json.dumps([(name, secret, base64.b64encode(body).decode(), given) for name, secret, body, given in cases])
    finished = subprocess.run(  # noqa: S603 - node, on files of this test
        [str(shutil.which("node")), "run.mjs"],
        cwd=tmp_path,
        input=sent.encode(),
        capture_output=True,
        check=True,
        timeout=30,
    )
    expected = [case[3] for case in (*standard.values(), *BODY_CASES.values())]
    assert json.loads(finished.stdout) == expected


def test_every_event_is_listed():
    """The table of events has every event there is, in order, and no other."""
    assert [row[0].strip("`") for row in table(section("Events"))] == [event.value for event in EventType]


def test_every_error_code_is_listed():
    """The table of error codes has every one that an attempt can have, and no other."""
    listed = {row[0].strip("`") for row in table(section("Looking and sending again").split("`error_code`:")[1])}
    assert listed == {code.value for code in SendError}


def test_schedule_is_the_one_in_force():
    """The table of attempts is the schedule of the settings, live and for tests."""
    units = {"s": 1, "min": 60, "h": 3_600}

    def seconds(cell: str) -> int:
        number, unit, later = cell.split()
        assert later == "later"
        return int(number) * units[unit]

    rows = table(section("Schedule"))
    assert [row[0] for row in rows] == [str(number) for number in range(1, len(LIVE_RETRY_INTERVALS_S) + 2)]
    assert tuple(seconds(row[1]) for row in rows[1:]) == LIVE_RETRY_INTERVALS_S
    assert tuple(seconds(row[2]) for row in rows[1:]) == TEST_RETRY_INTERVALS_S


def test_numbers_are_those_of_the_code():
    """Every bound that the page names is the one that the code keeps."""
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert defaults["webhook_timeout_s"] == 15
    assert "within 15 seconds" in PAGE
    assert limits.WEBHOOK_RESPONSE_BYTES_KEPT_MAX == 16 * 1024
    assert "first 16 KiB" in PAGE
    assert defaults["webhook_secret_overlap_s"] == 24 * 3_600
    assert "24 hours by" in PAGE
    assert f"up to {limits.WEBHOOK_ATTEMPTS_MAX - 1} waits of up to 7 days" in PAGE
    assert limits.WEBHOOK_RETRY_INTERVAL_S_MAX == 7 * 24 * 3_600
    assert f"up to {limits.URL_LENGTH_MAX:,} characters" in PAGE
    assert f"at most {limits.WEBHOOK_ENDPOINTS_PER_MERCHANT_MAX} endpoints" in PAGE
    assert f"at most {limits.WEBHOOK_ATTEMPTS_IN_ALL_MAX} attempts" in PAGE.replace("\n", " ")
    assert defaults["rate_limit_webhook_retries"] == "60/minute"
    assert "At most 60 a minute" in PAGE
    assert limits.RECOVERY_REACH_S_MAX == 90 * 24 * 3_600
    assert "90 days" in PAGE
