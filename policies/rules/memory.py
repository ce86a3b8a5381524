"""What rules leave behind between two evaluations, as the database keeps it."""

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import orjson

from policies.rules.alert_state import Alert
from policies.rules.document import Rule
from policies.rules.evaluation import RuleMemory
from telemetry.model.labels import Labels


def fingerprint(rule: Rule) -> str:
    """The same for rules of the same kind, name and labels: a changed expression keeps the state of its alerts."""
    return hashlib.sha256(orjson.dumps([rule.kind, rule.name, rule.labels])).hexdigest()


def packed_series(series: Iterable[Labels]) -> bytes:
    """Label sets, compressed; b'' if there are none."""
    ordered = sorted(series)
    return zlib.compress(orjson.dumps(ordered)) if ordered else b""


def unpacked_series(packed: bytes) -> frozenset[Labels]:
    """Inverse of `packed_series`."""
    found = orjson.loads(zlib.decompress(packed)) if packed else []
    return frozenset(tuple((name, value) for name, value in labels) for labels in found)


def alert_json(alert: Alert) -> dict[str, Any]:
    """An alert as JSON; the value as text, since it may be infinite."""
    return {
        **asdict(alert),
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "value": repr(alert.value),
    }


def alert_from(stored: dict[str, Any]) -> Alert:
    """Inverse of `alert_json`."""
    pairs = {name: tuple(sorted(stored[name].items())) for name in ("labels", "annotations")}
    return Alert(**{**stored, **pairs, "value": float(stored["value"])})


def memory_from(packed: bytes, alerts: Iterable[dict[str, Any]]) -> RuleMemory:
    """What the next evaluation starts from."""
    return RuleMemory(unpacked_series(packed), tuple(map(alert_from, alerts)))
