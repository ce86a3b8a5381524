"""Warnings and infos that come with a result, in Prometheus' words."""

from typing import Final

from telemetry.promql.ast import Expr
from telemetry.promql.errors import line_and_column
from telemetry.syntax.numbers import format_general

_COUNTER_SUFFIXES: Final = ("_total", "_sum", "_count", "_bucket")
_MANUAL: Final = "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile"


class Annotations:
    """Distinct sentences in order of appearance."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._warnings: dict[str, None] = {}
        self._infos: dict[str, None] = {}

    @property
    def warnings(self) -> list[str]:
        return list(self._warnings)

    @property
    def infos(self) -> list[str]:
        return list(self._infos)

    def warn(self, node: Expr, sentence: str) -> None:
        self._warnings.setdefault(f"PromQL warning: {sentence} ({self._place(node)})")

    def inform(self, node: Expr | None, sentence: str) -> None:
        self._infos.setdefault(f"PromQL info: {sentence} ({self._place(node)})")

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

    def _place(self, node: Expr | None) -> str:
        line, column = line_and_column(self._text, 0 if node is None else node.span.start)
        return f"{line}:{column}"


def _for_metric(metric: str) -> str:
    return f' for metric name "{metric}"'
