"""Reads target groups in Prometheus' `file_sd` form, JSON or YAML; pure.

Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlunsplit

import yaml

MAX_FILE_BYTES: Final = 8 * 1024**2
MAX_TARGETS: Final = 100_000
DEFAULT_JOB: Final = "file_sd"

_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
_PARAMETER: Final = "__param_"
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class InvalidTargets(ValueError):
    """The file is no list of target groups; the message says where."""


@dataclass(frozen=True, slots=True)
class DiscoveredTarget:
    """One address of a group, with what the labels that begin with `__` ask for."""

    url: str
    job: str
    labels: tuple[tuple[str, str], ...]
    """Sorted; neither `job` nor labels that begin with `__`."""
    interval_seconds: float | None = None
    timeout_seconds: float | None = None


def read_targets(content: bytes, *, is_json: bool) -> list[DiscoveredTarget]:
    """Every target of the groups in `content`, in order. Raises InvalidTargets."""
    if len(content) > MAX_FILE_BYTES:
        raise InvalidTargets(f"the file has {len(content)} bytes; the limit is {MAX_FILE_BYTES}")
    try:
        groups = json.loads(content) if is_json else yaml.load(content, _LOADER)  # noqa: S506 - a safe loader
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise InvalidTargets(f"the file is broken: {' '.join(str(error).split())}") from error
    if not isinstance(groups or [], list):
        raise InvalidTargets("the file is no list of target groups")
    found: list[DiscoveredTarget] = []
    for index, group in enumerate(groups or []):
        # Checked group by group: aliases of YAML can make a small file stand for very many targets.
        found += _group(group, f"group {index}", MAX_TARGETS - len(found))
    return found


def _group(group: Any, where: str, room: int) -> list[DiscoveredTarget]:
    if not isinstance(group, Mapping):
        raise InvalidTargets(f"{where} is no mapping with targets and labels")
    addresses, labels = group.get("targets") or [], group.get("labels") or {}
    if not isinstance(addresses, list) or not all(isinstance(address, str) for address in addresses):
        raise InvalidTargets(f"targets of {where} is no list of texts")
    if not isinstance(labels, Mapping) or not all(isinstance(part, str) for pair in labels.items() for part in pair):
        raise InvalidTargets(f"labels of {where} is no mapping of texts")
    if len(addresses) > room:
        raise InvalidTargets(f"there are more than {MAX_TARGETS} targets")
    return [_target(address, dict(labels), where) for address in addresses]


def _target(address: str, labels: dict[str, str], where: str) -> DiscoveredTarget:
    kept = {name: value for name, value in labels.items() if not name.startswith("__") and name != "job" and value}
    return DiscoveredTarget(
        url=_url(labels.get("__address__", address), labels),
        job=labels.get("job") or DEFAULT_JOB,
        labels=tuple(sorted(kept.items())),
        interval_seconds=_seconds(labels.get("__scrape_interval__"), where),
        timeout_seconds=_seconds(labels.get("__scrape_timeout__"), where),
    )


def _url(address: str, labels: Mapping[str, str]) -> str:
    parameters = [(name[len(_PARAMETER) :], value) for name, value in labels.items() if name.startswith(_PARAMETER)]
    path = labels.get("__metrics_path__", "/metrics")
    return urlunsplit((labels.get("__scheme__", "http"), address, path, urlencode(parameters), ""))


def _seconds(text: str | None, where: str) -> float | None:
    """Seconds of a Prometheus duration such as 1m30s."""
    if not text:
        return None
    parts = _DURATION.fullmatch(text)
    if parts is None or not any(parts.groups()):
        raise InvalidTargets(f"{text!r} in {where} is no duration such as 15s or 1m30s")
    hours, minutes, seconds, milliseconds = (int(part or 0) for part in parts.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
