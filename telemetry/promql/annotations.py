"""Warnings and infos that come with a result, in Prometheus' words."""

from typing import Final

from telemetry.promql.ast import Expr, without_parens
from telemetry.promql.errors import line_and_column
from telemetry.syntax.numbers import format_general

_COUNTER_SUFFIXES: Final = ("_total", "_sum", "_count", "_bucket")
_MANUAL: Final = "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile"


class Annotations:
    """Distinct sentences in order of appearance, each with the last place that it is about."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._warnings: dict[str, Expr | None] = {}
        self._infos: dict[str, Expr | None] = {}

    @property
    def warnings(self) -> list[str]:
        return [f"PromQL warning: {sentence} ({self._place(node)})" for sentence, node in self._warnings.items()]

    @property
    def infos(self) -> list[str]:
        return [f"PromQL info: {sentence} ({self._place(node)})" for sentence, node in self._infos.items()]

    def warn(self, node: Expr | None, sentence: str) -> None:
        self._warnings[sentence] = node

    def inform(self, node: Expr | None, sentence: str) -> None:
        self._infos[sentence] = node

    def invalid_quantile(self, node: Expr, quantile: float) -> None:
        self.warn(node, f"quantile value should be between 0 and 1, got {format_general(quantile)}")

    def invalid_ratio(self, node: Expr, ratio: float) -> None:
        capped = -1 if ratio < 0 else 1
        self.warn(node, f"ratio value should be between -1 and 1, got {format_general(ratio)}, capping to {capped}")

    def bad_bucket(self, node: Expr, metric: str, bound: str) -> None:
        self.warn(node, f'bucket label "le" is missing or has a malformed value of "{bound}"{_for_metric(metric)}')

    def forced_monotonicity(self, node: Expr, metric: str) -> None:
        self.inform(
            node,
            f"input to histogram_quantile needed to be fixed for monotonicity (see {_MANUAL}){_for_metric(metric)}",
        )

    def counter_name(self, node: Expr | None, metric: str) -> None:
        """Note that `metric` is not named as counters are."""
        if metric and not metric.endswith(_COUNTER_SUFFIXES):
            suffixes = "/".join(_COUNTER_SUFFIXES)
            self.inform(node, f'metric might not be a counter, name does not end in {suffixes}: "{metric}"')

    def mixed_range(self, node: Expr | None, metric: str) -> None:
        self.warn(node, f'encountered a mix of histograms and floats for metric name "{metric}"')

    def mixed_aggregation(self, node: Expr) -> None:
        self.warn(node, "encountered a mix of histograms and floats for aggregation")

    def mixed_kinds_of_histograms(self, node: Expr, metric: str) -> None:
        self.warn(node, f"vector contains a mix of classic and native histograms{_for_metric(metric)}")

    def mixed_schemas(self, node: Expr | None, metric: str) -> None:
        kinds = "vector contains a mix of histograms with exponential and custom buckets schemas"
        self.warn(node, f"{kinds}{_for_metric(metric)}")

    def mixed_bounds(self, node: Expr | None, metric: str) -> None:
        self.warn(node, f"vector contains histograms with incompatible custom buckets{_for_metric(metric)}")

    def no_counter(self, node: Expr | None, metric: str) -> None:
        self.warn(node, f'this native histogram metric is not a counter: "{metric}"')

    def no_gauge(self, node: Expr | None, metric: str) -> None:
        self.warn(node, f'this native histogram metric is not a gauge: "{metric}"')

    def incompatible_layout(self, node: Expr, op: str) -> None:
        self.warn(node, f"incompatible bucket layout encountered for binary operator {op}")

    def incompatible_types(self, node: Expr, left: str, op: str, right: str) -> None:
        types = f'"{op}": {left} {op} {right}'
        self.inform(node, f"incompatible sample types encountered for binary operator {types}")

    def ignored_in_aggregation(self, node: Expr, aggregation: str) -> None:
        self.inform(node, f"ignored histogram in {aggregation} aggregation")

    def ignored_in_range(self, node: Expr | None, metric: str) -> None:
        self.inform(node, f"ignored histograms in a range containing both floats and histograms{_for_metric(metric)}")

    def nan_quantile(self, node: Expr, metric: str) -> None:
        self.inform(node, f"input to histogram_quantile has NaN observations, result is NaN{_for_metric(metric)}")

    def skewed_quantile(self, node: Expr, metric: str) -> None:
        what = "input to histogram_quantile has NaN observations, result is skewed higher"
        self.inform(node, f"{what}{_for_metric(metric)}")

    def nan_fraction(self, node: Expr, metric: str) -> None:
        what = "input to histogram_fraction has NaN observations, which are excluded from all fractions"
        self.inform(node, f"{what}{_for_metric(metric)}")

    def _place(self, node: Expr | None) -> str:
        start = 0 if node is None else without_parens(node).span.start
        line, column = line_and_column(self._text, start)
        return f"{line}:{column}"


def _for_metric(metric: str) -> str:
    return f' for metric name "{metric}"'
