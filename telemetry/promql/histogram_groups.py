"""Aggregations of vectors that hold native histograms, perhaps beside floats."""

from typing import Final

import numpy as np

from telemetry.model.histograms import Cells, Histogram
from telemetry.model.labels import METRIC_NAME, label_value
from telemetry.promql import aggregation
from telemetry.promql import histogram_arithmetic as arithmetic
from telemetry.promql.ast import Aggregate
from telemetry.promql.groups import Groups
from telemetry.promql.histogram_sums import next_mean
from telemetry.promql.run import Run
from telemetry.promql.values import Mask, Vector, holds_histogram, no_cells

_OF_FLOATS: Final = frozenset({"max", "min", "stddev", "stdvar", "quantile", "topk", "bottomk"})
_OF_EITHER: Final = frozenset({"sum", "avg"})


def usable(run: Run, node: Aggregate, operand: Vector) -> Vector:
    """What an aggregation looks at: floats alone where it knows only those, with a note of what is passed over."""
    if operand.histograms is None or node.op not in _OF_FLOATS:
        return operand
    if operand.is_histogram.any():
        place = node if node.op in ("topk", "bottomk") else node.expr
        run.notes.ignored_in_aggregation(place, node.op)
    return operand.floats()


def aggregate(run: Run, node: Aggregate, operand: Vector) -> Vector:
    """sum, avg, count, min, max, group, stddev, stdvar."""
    operand = usable(run, node, operand)
    if operand.histograms is None or node.op not in _OF_EITHER:
        return aggregation.aggregate(node, operand)
    native = operand.is_histogram
    floats, histograms = (Groups.of(node, operand.only(chosen)) for chosen in (~native, native))
    of_floats, of_histograms = floats.counts() > 0, histograms.counts() > 0
    mixed = of_floats & of_histograms
    begun = of_histograms & _begins_with(Groups.of(node, operand), native)
    cells = _combined(run, node, operand.histograms, histograms, begun)
    found = holds_histogram(cells)
    if (mixed & (found | ~begun)).any():  # where histograms do not even go with each other, that has been noted
        run.notes.mixed_aggregation(node.expr)
    cells[mixed] = None
    found &= ~mixed
    values = aggregation.values_of(node, floats)
    result = floats.vector(values, (of_floats & ~mixed) | found)
    return Vector(result.labels, result.values, result.present, result.unnamed, histograms=cells).compact()


def _begins_with(groups: Groups, native: Mask) -> Mask:
    """bool[G, T]: whether the first sample of each group is a histogram; only then are its histograms added up."""
    begins = np.zeros(groups.shape, dtype=np.bool_)
    undecided = np.ones(groups.shape, dtype=np.bool_)
    for members, rows in groups.rounds():
        first = undecided[members] & groups.operand.present[rows]
        begins[members] |= first & native[rows]
        undecided[members] &= ~first
    return begins


def _combined(run: Run, node: Aggregate, cells: Cells, groups: Groups, wanted: Mask) -> Cells:
    """object[G, T]: sum or mean of the histograms of each group where `wanted`; None where they do not go together."""
    wanted, found = wanted.copy(), no_cells(groups.shape)
    for members, rows in groups.rounds():
        for group, row in zip(members.tolist(), rows.tolist(), strict=True):
            for at in np.flatnonzero(groups.operand.present[row] & wanted[group]).tolist():
                _take(run, node, groups, (group, at), (row, cells[row, at]), found, wanted)
        run.check_time()
    for place in zip(*np.nonzero(found != None), strict=True):  # noqa: E711 - cell by cell
        found[place] = arithmetic.compacted(found[place].histogram)
    return found


class _Running:
    """What a group has at one time so far."""

    def __init__(self, histogram: Histogram) -> None:
        self.histogram = histogram
        self.count = 1


def _take(
    run: Run,
    node: Aggregate,
    groups: Groups,
    place: tuple[int, int],
    sample: tuple[int, Histogram],
    found: Cells,
    wanted: Mask,
) -> None:
    """One more histogram into `found`; a group whose histograms do not go together is no longer wanted."""
    row, histogram = sample
    running = found[place]
    if running is None:
        found[place] = _Running(histogram)
        return
    running.count += 1
    name = label_value(groups.operand.labels[row], METRIC_NAME)
    try:
        running.histogram = (
            arithmetic.add(running.histogram, histogram)
            if node.op == "sum"
            else next_mean(running.histogram, histogram, running.count)
        )
    except arithmetic.IncompatibleSchemas:
        run.notes.mixed_schemas(node.expr, name)
        found[place], wanted[place] = None, False
    except arithmetic.IncompatibleBounds:
        run.notes.mixed_bounds(node.expr, name)
        found[place], wanted[place] = None, False
