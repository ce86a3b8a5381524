"""info(): labels of info metrics (target_info) added to the series of the same job and instance."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import re2

from telemetry.model.labels import METRIC_NAME, Labels, Matcher, MatchOp, label_value
from telemetry.model.labelsets import format_labels, keep, with_labels
from telemetry.promql.errors import EvaluationError
from telemetry.promql.values import Floats, Indices, Mask, Vector, merge_rows

IDENTIFYING: Final = ("instance", "job")
_DEFAULT: Final = (Matcher(METRIC_NAME, MatchOp.EQUAL, "target_info"),)


def name_matchers(selector: Sequence[Matcher]) -> tuple[Matcher, ...]:
    """Which info metrics are meant."""
    return tuple(matcher for matcher in selector if matcher.name == METRIC_NAME) or _DEFAULT


def data_matchers(selector: Sequence[Matcher]) -> tuple[Matcher, ...]:
    """Which of their labels are wanted."""
    return tuple(matcher for matcher in selector if matcher.name != METRIC_NAME)


def is_info(labels: Labels, names: Sequence[Matcher]) -> bool:
    return all(matcher.matches(label_value(labels, METRIC_NAME)) for matcher in names)


def matchers_for(base: Iterable[Labels], selector: Sequence[Matcher]) -> tuple[Matcher, ...] | None:
    """Selector of the info series that can belong to `base`; None if none can."""
    names = name_matchers(selector)
    plain = [labels for labels in base if not is_info(labels, names)]
    identities: list[Matcher] = []
    for name in IDENTIFYING:
        values = sorted({value for labels in plain if (value := label_value(labels, name))})
        if values:
            identities.append(Matcher(name, MatchOp.REGEX, "|".join(re2.escape(value) for value in values)))
    return (*names, *identities, *data_matchers(selector)) if identities else None


def join(base: Vector, seen: Vector, selector: Sequence[Matcher]) -> Vector:
    """`base` with labels of info series; `seen` has the info series with the times of their newest samples.

    At each time the newest info series of a name, job and instance counts. Raises EvaluationError if two are equally
    new, or if two info metrics disagree about a label.
    """
    names, wanted = name_matchers(selector), data_matchers(selector)
    newest = _newest_by_identity(seen)
    labels: list[Labels] = []
    values: list[Floats] = []
    present: list[Mask] = []
    sources: list[int] = []
    optional = all(matcher.matches("") for matcher in wanted)
    for row, own in enumerate(base.labels):
        found = [] if is_info(own, names) else newest.get(keep(own, frozenset(IDENTIFYING)), [])
        for shown, partners in _constellations(base.present[row], found):
            if not partners and not optional and not is_info(own, names):
                continue
            labels.append(_enriched(own, [seen.labels[partner] for partner in partners], wanted))
            values.append(base.values[row])
            present.append(shown)
            sources.append(row)
    if not labels:
        return base.take(np.empty(0, dtype=np.int64))
    cells = None if base.histograms is None else base.histograms[sources]
    return merge_rows(Vector(labels, np.array(values), np.array(present), base.unnamed[sources], histograms=cells))


def _newest_by_identity(seen: Vector) -> dict[Labels, list[Indices]]:
    """For each job and instance, and each info metric: row of the newest info series at each time, -1 for none."""
    rows: dict[tuple[Labels, str], list[int]] = {}
    for row, labels in enumerate(seen.labels):
        identity = keep(labels, frozenset(IDENTIFYING))
        rows.setdefault((identity, label_value(labels, METRIC_NAME)), []).append(row)
    newest: dict[Labels, list[Indices]] = {}
    for (identity, _), members in rows.items():
        newest.setdefault(identity, []).append(_newest(seen, members))
    return newest


def _newest(seen: Vector, members: list[int]) -> Indices:
    times = np.where(seen.present[members], seen.values[members], -np.inf)
    best = times.max(axis=0)
    tied = ((times == best) & np.isfinite(best)).sum(axis=0) > 1
    if tied.any():
        at = int(np.flatnonzero(tied)[0])
        rows = [row for row, time in zip(members, times[:, at], strict=True) if time == best[at]]
        shown = [format_labels(seen.labels[row]) for row in rows]
        raise EvaluationError(
            f"found duplicate series for info metric: existing {shown[0]} @ {int(best[at] * 1000)}, "
            f"new {shown[1]} @ {int(best[at] * 1000)}"
        )
    return np.where(np.isfinite(best), np.array(members)[times.argmax(axis=0)], -1)


def _constellations(present: Mask, found: list[Indices]) -> Iterator[tuple[Mask, list[int]]]:
    """Times of a series by the info series that go with it then."""
    if not found:
        yield present, []
        return
    partners, which = np.unique(np.array(found), axis=1, return_inverse=True)
    for number in range(partners.shape[1]):
        yield present & (which.reshape(-1) == number), [row for row in partners[:, number].tolist() if row >= 0]


def _enriched(own: Labels, partners: list[Labels], wanted: Sequence[Matcher]) -> Labels:
    names = {matcher.name for matcher in wanted}
    given = dict(own)
    added: dict[str, str] = {}
    for partner in partners:
        for name, value in partner:
            if name == METRIC_NAME or (names and name not in names):
                continue
            if added.get(name, value) != value:
                raise EvaluationError(f"conflicting label: {name}")
            if name not in given:
                added[name] = value
    return with_labels(own, added.items())
