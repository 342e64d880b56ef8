"""Logs as JSON lines: one event a line, UTC, with whatever context (call_id, campaign) is bound."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog

from dialer.types import ConfigError

FILE_BYTES = 50 * 1024 * 1024
FILES_KEPT = 5
MASK = "***"

_SECRET_WORDS = ("secret", "password", "passwd")


def configure(level: str = "info", file: Path | None = None, *, stderr: bool = True) -> None:
    """Send every log line, ours and the libraries', to stderr and to a rotating file; call it once, at start.

    Only one process may own a file: rotation by two would lose lines. Raises ConfigError when it cannot be opened.
    """
    handlers = _handlers(file, stderr)
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler.formatter, _Lines)]:
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        handler.setFormatter(_Lines())
        root.addHandler(handler)
    number = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(number)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # every start would tell which database it found
    structlog.configure(
        processors=[*_SHARED, _handed_over],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # a logger used at import would keep the defaults for ever
    )


def mask_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide the values of keys that name a secret or a password, also inside mappings."""
    for key, value in event.items():
        if _names_a_secret(key):
            event[key] = MASK
        elif isinstance(value, Mapping):
            event[key] = _masked(value)
    return event


def _masked(values: Mapping[Any, Any]) -> dict[Any, Any]:
    return {
        key: MASK if _names_a_secret(str(key)) else _masked(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
    }


def _names_a_secret(key: str) -> bool:
    lowered = key.lower()
    return any(word in lowered for word in _SECRET_WORDS)


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    mask_secrets,
]
_render = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)


def _handed_over(logger: Any, method: str, event: MutableMapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Render our own line here, once, and mark it so that the handlers write it as it is."""
    return (_render(logger, method, event),), {"extra": {"rendered": True}}


class _Lines(logging.Formatter):
    """Writes our lines as they are and turns those of other libraries into the same form."""

    def format(self, record: logging.LogRecord) -> str:
        if getattr(record, "rendered", False):
            return str(record.msg)
        event: MutableMapping[str, Any] = {"event": record.getMessage(), "exc_info": record.exc_info}
        foreign = logging.getLogger(record.name)
        for process in _SHARED:
            event = process(foreign, record.levelname.lower(), event)
        return str(_render(foreign, "", event))


def _handlers(file: Path | None, stderr: bool) -> list[logging.Handler]:
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)] if stderr else []
    if file is None:
        return handlers
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        rotating = RotatingFileHandler(file, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8")
    except OSError as exc:
        raise ConfigError(
            f"the log file {file} cannot be written: {exc.strerror}; make it writable or choose another service.home"
        ) from exc
    return [*handlers, rotating]
