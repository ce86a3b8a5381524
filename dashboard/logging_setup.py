"""Own log events: structlog, JSON on a pipe and readable on a terminal, secrets masked, always on stderr.

Events of the standard library's loggers (Django, uvicorn, Celery) take the same way.
"""

import logging
import re
import sys
import warnings
from collections.abc import Mapping
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor

SECRET_WORDS: Final = ("password", "passwd", "secret", "token", "authorization", "cookie", "api_key", "private_key")
"""A key that contains one of these has its value replaced."""

_SECRET_TEXTS: Final = (
    (re.compile(r"\b(bv_[0-9A-Za-z]{8})_[0-9A-Za-z]{20,}"), r"\1_***"),
    (re.compile(r"\b(Bearer|Basic|Token) +[0-9A-Za-z._~+/=-]{8,}", re.IGNORECASE), r"\1 ***"),
    (re.compile(r"(://[^/\s:@]*):[^/\s@]+@"), r"\1:***@"),
    (re.compile(r"(/setup/)[^/\s\"']+"), r"\1***"),
)

_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

QUIET: Final = {
    "asyncio": logging.WARNING,
    "celery": logging.WARNING,
    "django.request": logging.ERROR,  # the access log says it already
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "kombu": logging.WARNING,
    "uvicorn": logging.WARNING,
}
"""Loggers whose lesser events repeat what our own say."""


def configure(level: str, *, stream: TextIO | None = None) -> None:
    """Set up structlog and the standard library's loggers; may be called again."""
    output = stream or sys.stderr
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(console_formatter() if output.isatty() else json_formatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    logging.captureWarnings(capture=True)
    # Static files are small and served whole; that this happens in one piece is no news to anybody.
    warnings.filterwarnings("ignore", "StreamingHttpResponse must consume synchronous iterators")


def _shared() -> list[Processor]:
    """Steps that every event takes, ours and foreign ones."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def json_formatter() -> logging.Formatter:
    """One JSON object a line; every character beyond ASCII is escaped, so no event can forge a line."""
    return _formatter(structlog.processors.JSONRenderer(ensure_ascii=True, default=str))


def console_formatter() -> logging.Formatter:
    """Coloured lines for a person; control characters are shown as escapes."""
    return _formatter(_show_control_characters, structlog.dev.ConsoleRenderer(pad_event_to=40))


def _formatter(*last: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            mask_secrets,
            _reading_order,
            *last,
        ],
    )


def mask_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Replace values of secret-looking keys, and secrets that stand inside texts."""
    return {key: _masked(key, value) for key, value in event.items()}


def _masked(key: str, value: Any) -> Any:
    if isinstance(value, str | bytes) and any(word in key.lower() for word in SECRET_WORDS):
        return "***"
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, Mapping):
        return {name: _masked(str(name), item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(key, item) for item in value]
    return value


def masked_text(text: str) -> str:
    """`text` with tokens, credentials and set-up links replaced."""
    for pattern, replacement in _SECRET_TEXTS:
        text = pattern.sub(replacement, text)
    return text


def _reading_order(_logger: Any, _method: str, event: EventDict) -> EventDict:
    first = ("timestamp", "level", "event")
    return {**{key: event[key] for key in first if key in event}, **event}


def _show_control_characters(_logger: Any, _method: str, event: EventDict) -> EventDict:
    return {key: _printable(value) if isinstance(value, str) else value for key, value in event.items()}


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


def current_request_id() -> str:
    """Identifier of the request that this context belongs to, empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))
