"""Sampling: of noisy services a share of the records is stored, where a rule says so. Nothing else is ever left out.

Which records stay is decided by a hash of the time and the line, so that every process, and a retried request, decides
the same. Counts over sampled services are counts of what was stored; they are never scaled.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from telemetry.model.errors import InvalidInput
from telemetry.store import own_metrics

BELOW_ERRORS: Final = 16
"""Highest severity number that is no error."""
_MIXED: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class SamplingRule:
    """Of the records of `service` up to a severity whose line holds `pattern` (RE2), one in `keep_one_in` stays."""

    service: str
    keep_one_in: int
    severity_max: int = BELOW_ERRORS
    pattern: str = ""


class Sampling:
    """Rules by service; of several for one record the first counts."""

    def __init__(self, rules: Sequence[SamplingRule] = ()) -> None:
        """Raises InvalidInput for a pattern that RE2 does not take, or a share that is none."""
        self._rules: dict[str, list[SamplingRule]] = {}
        for rule in rules:
            _check(rule)
            self._rules.setdefault(rule.service, []).append(rule)

    @property
    def is_on(self) -> bool:
        return bool(self._rules)

    def kept(self, names: Sequence[str], codes: NDArray[np.int32], records: pa.Table) -> NDArray[np.bool_]:
        """bool[N]: which records are stored. `codes` are positions in `names`, the services."""
        kept = np.ones(len(codes), np.bool_)
        for code in np.unique(codes).tolist():
            if rules := self._rules.get(names[code]):
                rows = np.flatnonzero(codes == code)
                kept[rows] = _kept_of_service(rules, records.take(pa.array(rows)))
                own_metrics.SAMPLED.labels(names[code], "kept").inc(int(kept[rows].sum()))
                own_metrics.SAMPLED.labels(names[code], "dropped").inc(int((~kept[rows]).sum()))
        return kept


def _kept_of_service(rules: Sequence[SamplingRule], records: pa.Table) -> NDArray[np.bool_]:
    kept = np.ones(len(records), np.bool_)
    open_still = np.ones(len(records), np.bool_)
    for rule in rules:
        meant = open_still & _meant(rule, records)
        kept[meant] = _hashes(records.filter(pa.array(meant))) % np.uint64(rule.keep_one_in) == 0
        open_still &= ~meant
    return kept


def _meant(rule: SamplingRule, records: pa.Table) -> NDArray[np.bool_]:
    meant: NDArray[np.bool_] = records["severity_number"].to_numpy() <= rule.severity_max
    if rule.pattern:
        found = pc.match_substring_regex(records["body"].combine_chunks(), rule.pattern)
        meant &= found.to_numpy(zero_copy_only=False)
    return meant


def _hashes(records: pa.Table) -> NDArray[np.uint64]:
    """uint64[N] of the line and its time, spread over all bits."""
    times = records["timestamp"].cast(pa.int64()).to_numpy().astype(np.uint64)
    lines = [zlib.crc32(line.encode()) for line in records["body"].to_pylist()]
    mixed: NDArray[np.uint64] = (np.array(lines, np.uint64) ^ (times * _MIXED)) * _MIXED
    return mixed >> np.uint64(33)


def _check(rule: SamplingRule) -> None:
    if rule.keep_one_in < 2:
        raise InvalidInput(f"a sampling rule of {rule.service!r} keeps one in {rule.keep_one_in}; the least is 2")
    try:
        pc.match_substring_regex(pa.array([""]), rule.pattern)
    except pa.ArrowInvalid as error:
        raise InvalidInput(f"the pattern of a sampling rule of {rule.service!r} is not understood: {error}") from error
