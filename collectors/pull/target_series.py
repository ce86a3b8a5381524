"""Labels of the series of one target: those of the page, of the target, then the job's metric relabelling; pure.

Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#metric_relabel_configs
"""

from dataclasses import dataclass
from typing import Final

from collectors.pull.job_config import PageLimits
from collectors.pull.relabel import RelabelRule, relabelled
from collectors.wire.exposition_series import TargetSeries
from collectors.wire.series_labels import checked_labels, series_text
from telemetry.model.errors import LimitExceeded
from telemetry.model.labels import Labels

NO_LIMITS: Final = PageLimits()


class Remembered:
    """Reads series, and remembers those of one page: they are asked for twice."""

    def __init__(self, plain: TargetSeries) -> None:
        self._plain = plain
        self._known: dict[bytes, Labels] = {}
        self.key_space = plain.key_space

    def labels(self, series: bytes) -> Labels:
        """As `TargetSeries.labels`."""
        found = self._known.get(series)
        if found is None:
            found = self._known[series] = self._plain.labels(series)
        return found


@dataclass(frozen=True, slots=True)
class PageSeries:
    """Gives what a target exposes its final labels."""

    plain: TargetSeries
    rules: tuple[RelabelRule, ...] = ()
    limits: PageLimits = NO_LIMITS

    def labels(self, key: bytes) -> Labels | None:
        """As `final`, from the series as it stands on the page. Raises InvalidInput for what is no series."""
        return self.final(self.plain.labels(key))

    def final(self, labels: Labels) -> Labels | None:
        """Final labels of the series whose labels (with those of the target) are given, None if a rule drops it.

        Raises InvalidInput for what the rules leave no series of, LimitExceeded for more or longer labels than the
        job allows.
        """
        if self.rules:
            found = relabelled(dict(labels), self.rules)
            if not found:
                return None
            labels = checked_labels(found.items())
        self._check(labels)
        return labels

    def report_labels(self, name: bytes) -> Labels:
        """Labels of a synthetic series such as `up`: the target's, untouched by rules and limits."""
        return self.plain.labels(name)

    def _check(self, labels: Labels) -> None:
        limits = self.limits
        if limits.labels and len(labels) > limits.labels:
            raise _exceeded(f"{len(labels)} labels", "label_limit", limits.labels, labels)
        for name, value in labels if limits.label_name_bytes or limits.label_value_bytes else ():
            if limits.label_name_bytes and len(name.encode()) > limits.label_name_bytes:
                raise _exceeded(f"the label name {name!r}", "label_name_length_limit", limits.label_name_bytes, labels)
            if limits.label_value_bytes and len(value.encode()) > limits.label_value_bytes:
                what = f"a value of {len(value.encode())} bytes in label {name!r}"
                raise _exceeded(what, "label_value_length_limit", limits.label_value_bytes, labels)


def _exceeded(what: str, limit_name: str, limit: int, labels: Labels) -> LimitExceeded:
    sentence = f"{series_text(labels)} has {what}, over the job's {limit_name} of {limit}"
    return LimitExceeded(sentence, limit_name=limit_name)
