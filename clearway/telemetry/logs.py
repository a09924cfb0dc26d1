"""Logs: one pipeline for structlog and the standard library, one line a record, nothing sensitive in it.

Owns how a record is rendered and which libraries may log. It must not know requests or workflows: their handlers bind
`request_id`, `merchant_id`, `payment_id` or `workflow_id` with `structlog.contextvars.bind_contextvars`, and every
record made in that context carries them. Masking (`clearway.telemetry.masking`) comes last before rendering, so that
nothing added on the way, tracebacks included, escapes it.

Lines go to stderr: stdout belongs to the answers of commands.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Final, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from clearway.settings import SettingsError
from clearway.telemetry.masking import mask_mapping

JSON: Final = "json"
CONSOLE: Final = "console"

QUIET_LOGGERS: Final = ("httpx", "httpcore", "asyncio", "sqlalchemy.engine", "sqlalchemy.pool")
"""Below WARNING these log every request and statement, with URLs and parameters."""
SILENCED_LOGGERS: Final = ("uvicorn.access",)
"""The API writes its own line for each request, with ids and without query strings."""
REROUTED_LOGGERS: Final = ("uvicorn", "uvicorn.error", "sqlalchemy", "temporalio", "alembic", *QUIET_LOGGERS)


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to stderr, and does not print the arguments of a record that cannot be rendered: they are not masked."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """Write which record was lost, and where it was logged."""
        sys.stderr.write(f"A log record could not be rendered: {record.pathname}:{record.lineno}\n")


def configure_logging(level: str, log_format: str, service: str) -> None:
    """Set up logging of this process; calling it again replaces what was set up.

    Args:
        level: A level's name, such as INFO.
        log_format: `json`, one object a line, or `console`, for people.
        service: Which process this is (`api`, `worker`, ...), in every record.

    Raises:
        SettingsError: The level or the format is not known.
    """
    number = _level_number(level)
    if log_format not in {JSON, CONSOLE}:
        raise SettingsError(f"LOG_FORMAT is {log_format!r}; it must be {JSON} or {CONSOLE}.")
    shared = _shared_processors(service)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = StderrHandler()
    handler.setFormatter(_formatter(log_format, [structlog.stdlib.ExtraAdder(), *shared]))
    _route_to(handler, number)


def mask_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask everything in the record."""
    return mask_mapping(event)


def render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """Render one JSON object; masking has left only what JSON knows."""
    return orjson.dumps(event).decode()


def _shared_processors(service: str) -> list[Processor]:
    def name_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        # Plain tracebacks: the rich ones print local variables, which is where secrets live.
        structlog.processors.format_exc_info,
        _drop_uvicorn_colours,
        name_service,
    ]


def _drop_uvicorn_colours(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)
    return event


def _formatter(log_format: str, foreign: list[Processor]) -> logging.Formatter:
    renderer: Any = render_json
    if log_format == CONSOLE:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=foreign,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, mask_event, renderer],
    )


def _route_to(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in REROUTED_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(max(level, logging.WARNING) if name in QUIET_LOGGERS else logging.NOTSET)
    for name in SILENCED_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], False


def _level_number(level: str) -> int:
    known = logging.getLevelNamesMapping()
    if level.upper() not in known:
        raise SettingsError(f"LOG_LEVEL is {level!r}; it must be one of {', '.join(known)}.")
    return known[level.upper()]
