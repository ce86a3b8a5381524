"""Rule files come into force: by import, from the page or from a folder that is watched."""

import glob
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from django.conf import settings
from django.utils import timezone

from fleet.actions.rules import GroupPlan, note_problem, remove_rule_file, save_rule_file
from fleet.models import RuleFile, RuleState
from policies.rules.document import RuleFileError, RuleGroup, parse_rule_file
from policies.rules.evaluation import stale
from policies.rules.memory import fingerprint, unpacked_series
from policies.rules.samples import write_store
from policies.rules.schedule import first_slot
from telemetry.model.errors import TelemetryError
from telemetry.model.labels import Labels

MOST_BYTES: Final = 8 * 1024**2
"""Size of one rule file."""

_log = structlog.get_logger("belvedere.rules")


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """What came into force."""

    name: str
    groups: int
    rules: int


def load_rule_file(*, name: str, text: str, actor: str, source: str = RuleFile.Source.IMPORTED) -> LoadedFile:
    """Put a file in force in place of the one of that name. Raises RuleFileError, and nothing changes then."""
    if len(text) > MOST_BYTES:
        raise RuleFileError([f"the file has {len(text):,} characters; the limit is {MOST_BYTES:,}"])
    groups = parse_rule_file(text)
    before = _series_of(name)
    save_rule_file(name=name, text=text, groups=[_plan(name, group) for group in groups], source=source, actor=actor)
    _end(before - _series_of(name))
    return LoadedFile(name, len(groups), sum(len(group.rules) for group in groups))


def unload_rule_file(*, file: RuleFile, actor: str) -> None:
    """End the evaluation of a file's rules, and say so in their series."""
    before = _series_of(file.name)
    remove_rule_file(file=file, actor=actor)
    _end(before)


def sync_watched_files(patterns: Sequence[str]) -> None:
    """Make the files that come from BELVEDERE_RULE_FILES those that `patterns` find now.

    A file that cannot be read, or has a fault, leaves its former version in force and says why.
    """
    stored = {file.name: file for file in RuleFile.objects.filter(source=RuleFile.Source.DIRECTORY)}
    found = sorted(
        {path for pattern in patterns for path in glob.glob(pattern, recursive=True) if Path(path).is_file()}
    )
    for path in found:
        _sync(path, stored.get(path))
    for path in stored.keys() - set(found):
        unload_rule_file(file=stored[path], actor="system")


def _sync(path: str, stored: RuleFile | None) -> None:
    try:
        text = Path(path).read_text(encoding="utf-8")
        if stored is not None and stored.text == text:
            if stored.problem:
                note_problem(name=path, problem="")
            return
        load_rule_file(name=path, text=text, actor="system", source=RuleFile.Source.DIRECTORY)
    except (OSError, UnicodeDecodeError, TelemetryError) as error:
        if stored is None or stored.problem != str(error)[:1000]:
            _log.warning("rule file not loaded", path=path, error=str(error)[:1000])
        note_problem(name=path, problem=str(error))


def _plan(file: str, group: RuleGroup) -> GroupPlan:
    interval_ms = group.interval_ms or settings.RULE_SECONDS * 1000
    return GroupPlan(
        name=group.name,
        interval_ms=interval_ms,
        next_at=first_slot(file, group.name, interval_ms, timezone.now()),
        fingerprints=[fingerprint(rule) for rule in group.rules],
    )


def _series_of(file: str) -> frozenset[Labels]:
    packed = RuleState.objects.filter(group__file__name=file).values_list("series", flat=True)
    return frozenset(labels for each in packed for labels in unpacked_series(bytes(each)))


def _end(series: frozenset[Labels]) -> None:
    """Staleness markers for what is no longer recorded; without a store the series end by lookback."""
    try:
        write_store(stale(series), int(time.time() * 1000))
    except TelemetryError as error:
        _log.warning("series of ended rules not marked", series=len(series), error=str(error))
