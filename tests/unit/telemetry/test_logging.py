"""The pipeline: every record, of Clearway or a library, comes out as one masked line with its context."""

from __future__ import annotations

import logging

import orjson
import pytest
import structlog

from clearway.settings import SettingsError
from clearway.telemetry.logs import REROUTED_LOGGERS, SILENCED_LOGGERS, configure_logging

SENSITIVE = ["4111111111111111", "4111 1111 1111 1111", "hunter2", "asha@example.com", "whsec_c2VjcmV0", "98765"]


@pytest.fixture(autouse=True)
def _restored_logging():
    """Put logging back as the test runner had it."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    touched = [logging.getLogger(name) for name in (*REROUTED_LOGGERS, *SILENCED_LOGGERS)]
    states = [(logger.handlers[:], logger.propagate, logger.level) for logger in touched]
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers, root.level = before
    for logger, (handlers, propagate, level) in zip(touched, states, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)
    root.setLevel(before[1])


def lines(capsys) -> list[dict]:
    """Return what was written, one object a line."""
    captured = capsys.readouterr()
    assert captured.out == "", "stdout belongs to the answers of commands"
    return [orjson.loads(line) for line in captured.err.splitlines()]


def fail(message: str) -> None:
    """Raise in a frame that has a secret among its local variables."""
    hidden = "hun" + "ter2"
    raise ValueError(message if hidden else "")


def log_everything(log) -> None:
    """Log sensitive values in every way there is."""
    log.info("paid with 4111 1111 1111 1111", card={"number": "4111111111111111", "cvv": "hunter2"})
    log.warning("x", customer={"emails": ["asha@example.com"], "phone": "+919876543210"}, amount_minor=5000)
    log.error("x", body=b"password=hunter2", obj=ValueError("token: hunter2"), secret="hunter2")
    try:
        fail("could not use password=hunter2 of asha@example.com and 4111111111111111")
    except ValueError:
        log.exception("failed", key="whsec_c2VjcmV0")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_nothing_sensitive_is_rendered(capsys, log_format):
    """A secret that is logged in any way is not in the line, in either format."""
    configure_logging("INFO", log_format, "test")
    log_everything(structlog.get_logger())
    text = capsys.readouterr().err
    assert text.count("\n") >= 4
    assert "amount_minor" in text
    for sensitive in SENSITIVE:
        assert sensitive not in text


@pytest.mark.parametrize(
    "name", ["uvicorn.error", "sqlalchemy.engine.Engine", "temporalio.worker", "httpx", "any.other"]
)
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_records_of_libraries_are_masked_too(capsys, name, log_format):
    """Records made with the standard library go through the same pipeline: arguments, extras and tracebacks."""
    configure_logging("INFO", log_format, "test")
    logger = logging.getLogger(name)
    logger.warning("card %s of %s", "4111111111111111", "asha@example.com")
    logger.error("x", extra={"client_secret": "hunter2", "note": "call +919876543210", "color_message": "\x1b[1mx"})
    try:
        fail("password=hunter2")
    except ValueError:
        logger.exception("failed with %s", {"cvv": "hunter2"}, stack_info=True)
    text = capsys.readouterr().err
    assert name in text
    assert "color_message" not in text
    for sensitive in SENSITIVE:
        assert sensitive not in text


def test_one_line_a_record(capsys):
    """A record is one line of JSON with its level, time, logger and service, line breaks and tracebacks included."""
    configure_logging("INFO", "json", "api")
    structlog.get_logger("clearway.api").info("two\nlines", payment_id="pay_01jd3x9s6k7q8r2t4v5w6x7y8z")
    try:
        fail("x")
    except ValueError:
        logging.getLogger("lib").exception("failed")
    first, second = lines(capsys)
    assert first.pop("timestamp").endswith("Z")
    assert first == {
        "event": "two\nlines",
        "level": "info",
        "logger": "clearway.api",
        "service": "api",
        "payment_id": "pay_01jd3x9s6k7q8r2t4v5w6x7y8z",
    }
    assert second["exception"].startswith("Traceback (most recent call last):")
    assert second["exception"].endswith("ValueError: x")


def test_context_is_on_every_record(capsys):
    """Ids bound to the context are on our records and on those of libraries."""
    configure_logging("INFO", "json", "api")
    structlog.contextvars.bind_contextvars(request_id="req_1", merchant_id="mer_1", workflow_id="payment/pay_1")
    structlog.get_logger().info("ours")
    logging.getLogger("lib").info("theirs")
    for line in lines(capsys):
        assert (line["request_id"], line["merchant_id"], line["workflow_id"]) == ("req_1", "mer_1", "payment/pay_1")


def test_local_variables_are_not_shown(capsys):
    """A traceback names files and lines, never the values that were around."""
    configure_logging("INFO", "console", "test")
    try:
        fail("x")
    except ValueError:
        structlog.get_logger().exception("failed")
    text = capsys.readouterr().err
    assert "ValueError: x" in text
    assert "hunter2" not in text


def test_levels(capsys):
    """Records below the level are not rendered; chatty libraries only speak from WARNING."""
    configure_logging("INFO", "json", "test")
    structlog.get_logger().debug("no")
    logging.getLogger("httpx").info("HTTP Request: POST https://example.com/?token=x")
    logging.getLogger("uvicorn.access").info("GET /")
    logging.getLogger("uvicorn.error").info("yes")
    assert [line["event"] for line in lines(capsys)] == ["yes"]
    configure_logging("debug", "json", "test")
    structlog.get_logger().debug("yes")
    logging.getLogger("httpcore").debug("no")
    assert [line["event"] for line in lines(capsys)] == ["yes"]


def test_configuring_again_does_not_double(capsys):
    """Setting up twice leaves one handler, so a record is one line."""
    configure_logging("INFO", "json", "one")
    configure_logging("INFO", "json", "two")
    logging.getLogger("uvicorn.error").info("x")
    assert [line["service"] for line in lines(capsys)] == ["two"]


def test_record_that_cannot_be_rendered(capsys):
    """A record whose arguments do not fit is logged with its place, without the arguments."""
    configure_logging("INFO", "json", "test")
    logging.getLogger("lib").info("%d", "hunter2")
    text = capsys.readouterr().err
    assert "could not be rendered" in text
    assert "test_logging.py" in text
    assert "hunter2" not in text


@pytest.mark.parametrize("event", [{"cvv": "hunter2"}, 5, None, object()])
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_events_of_any_type(capsys, event, log_format):
    """What is logged need not be text."""
    configure_logging("INFO", log_format, "test")
    structlog.get_logger().info(event)
    logging.getLogger("lib").info(event)
    text = capsys.readouterr().err
    assert len(text.splitlines()) == 2
    assert "hunter2" not in text


@pytest.mark.parametrize(("level", "log_format"), [("LOUD", "json"), ("", "json"), ("INFO", "xml")])
def test_wrong_settings_are_clear(level, log_format):
    """A level or format that does not exist stops the process and names the variable."""
    with pytest.raises(SettingsError, match=r"LOG_(LEVEL|FORMAT)"):
        configure_logging(level, log_format, "test")
