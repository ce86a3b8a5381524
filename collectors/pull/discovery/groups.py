"""Groups of targets in Prometheus' `file_sd` form, which HTTP discovery shares; pure.

Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

MAX_BYTES: Final = 8 * 1024**2
MAX_TARGETS: Final = 100_000

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class InvalidTargets(ValueError):
    """This is no list of target groups; the message says where."""


class DiscoveryFailed(Exception):
    """Nothing was learned this time; the targets that were known before stay."""


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """Targets that share labels; a target is its labels, `__address__` among them."""

    targets: tuple[Mapping[str, str], ...]
    labels: Mapping[str, str]


def read_groups(content: bytes, *, is_json: bool) -> list[TargetGroup]:
    """The groups in `content`. Raises InvalidTargets."""
    if len(content) > MAX_BYTES:
        raise InvalidTargets(f"it has {len(content)} bytes; the limit is {MAX_BYTES}")
    try:
        groups = json.loads(content) if is_json else yaml.load(content, _LOADER)  # noqa: S506 - a safe loader
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise InvalidTargets(f"it is broken: {' '.join(str(error).split())}") from error
    if not isinstance(groups or [], list):
        raise InvalidTargets("it is no list of target groups")
    found: list[TargetGroup] = []
    room = MAX_TARGETS
    for index, group in enumerate(groups or []):
        # Checked group by group: aliases of YAML can make a small file stand for very many targets.
        found.append(_group(group, f"group {index}", room))
        room -= len(found[-1].targets)
    return found


def _group(group: Any, where: str, room: int) -> TargetGroup:
    if not isinstance(group, Mapping):
        raise InvalidTargets(f"{where} is no mapping with targets and labels")
    addresses, labels = group.get("targets") or [], group.get("labels") or {}
    if not isinstance(addresses, list) or not all(isinstance(address, str) for address in addresses):
        raise InvalidTargets(f"targets of {where} is no list of texts")
    if not isinstance(labels, Mapping) or not all(isinstance(part, str) for pair in labels.items() for part in pair):
        raise InvalidTargets(f"labels of {where} is no mapping of texts")
    if len(addresses) > room:
        raise InvalidTargets(f"there are more than {MAX_TARGETS} targets")
    return TargetGroup(tuple({"__address__": address} for address in addresses), dict(labels))
