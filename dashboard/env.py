"""Typed readers of environment variables that refuse a bad value by name.

Every reader registers its variable, so that the README's table and `belvedere settings` are generated
from the same truth. A secret may also come from a file named by `NAME_FILE`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable: its name, default as text, meaning, and whether it must not be shown."""

    name: str
    default: str
    meaning: str
    secret: bool = False


REGISTRY: Final[dict[str, Setting]] = {}

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


def env_str(name: str, default: str, meaning: str, *, secret: bool = False, shown_default: str | None = None) -> str:
    """Text; `shown_default` replaces a default that depends on the machine in the table."""
    REGISTRY[name] = Setting(name, default if shown_default is None else shown_default, meaning, secret)
    if secret and (file := os.environ.get(f"{name}_FILE")):
        try:
            return Path(file).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE={file!r} cannot be read: {error.strerror}") from error
    return os.environ.get(name, default)


def env_bool(name: str, default: bool, meaning: str) -> bool:
    text = env_str(name, "true" if default else "false", meaning).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={text!r} is not a truth value; use true or false")


def env_int(name: str, default: int, meaning: str, *, minimum: int = 0, maximum: int | None = None) -> int:
    return int(_number(name, default, meaning, int, minimum, maximum))


def env_float(name: str, default: float, meaning: str, *, minimum: float = 0, maximum: float | None = None) -> float:
    return float(_number(name, default, meaning, float, minimum, maximum))


def _number(
    name: str,
    default: float,
    meaning: str,
    convert: Callable[[str], float],
    minimum: float,
    maximum: float | None,
) -> float:
    text = env_str(name, str(default), meaning).strip().replace("_", "")
    try:
        value = convert(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={text!r} is not a number") from error
    if value < minimum or (maximum is not None and value > maximum):
        upper = "" if maximum is None else f" and at most {maximum}"
        raise ImproperlyConfigured(f"{name}={text} is out of range: it must be at least {minimum}{upper}")
    return value


def env_list(name: str, default: str, meaning: str) -> list[str]:
    """Comma-separated words, blanks dropped."""
    return [word for part in env_str(name, default, meaning).split(",") if (word := part.strip())]


def env_path(name: str, default: str, meaning: str) -> Path:
    return Path(env_str(name, default, meaning)).expanduser()
