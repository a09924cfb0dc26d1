"""The doctor finds what is missing and says the way out."""

from __future__ import annotations

import socket

import pytest

from clearway.dev.doctor import Finding, Verdict, report
from tests.stack.dev.conftest import FakeTool


def finding(subject: str) -> Finding:
    """The finding about that subject."""
    return next(finding for finding in report() if finding.subject == subject)


def test_every_problem_has_a_way_out(machine: FakeTool) -> None:
    """On a machine with nothing, every finding that is not ok says what to do, or what takes its place."""
    findings = report()
    assert {finding.subject for finding in findings if finding.verdict is Verdict.OPTIONAL} >= {"go", "java", "mvn"}
    assert [finding for finding in findings if finding.verdict is not Verdict.OK and not finding.way_out] == []


def test_production_settings_are_no_place_for_the_development_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Published secrets must not meet a production configuration."""
    monkeypatch.setenv("CLEARWAY_ENV", "production")
    assert finding("settings").verdict is Verdict.MISSING


def test_a_port_in_use_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """It is named before a start fails on it."""
    monkeypatch.setenv("CLEARWAY_STATE_DIR", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
        monkeypatch.setenv("API_PORT", str(number))
        assert "API_PORT" in finding(f"port {number}").way_out
