"""Units of figures: which scale suits a set of values, so that an axis reads "120 ms" and not "0.12"."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

Scale = tuple[float, str]
"""(factor from the base unit, words shown): (1000.0, "ms")."""


@dataclass(frozen=True, slots=True)
class Unit:
    """`scales` from the smallest to the largest, each with the base value from which it is used."""

    name: str
    scales: tuple[tuple[float, Scale], ...]

    def scale_for(self, values: Iterable[float]) -> Scale:
        """The largest scale that the greatest magnitude reaches."""
        greatest = max((abs(value) for value in values), default=0.0)
        chosen = self.scales[0][1]
        for least, scale in self.scales[1:]:
            if greatest >= least:
                chosen = scale
        return chosen


def _plain(name: str, words: str) -> Unit:
    return Unit(name, ((0, (1.0, words)),))


UNITS: Final[dict[str, Unit]] = {
    unit.name: unit
    for unit in (
        _plain("", ""),
        _plain("count", ""),
        _plain("per_second", "per second"),
        _plain("requests_per_second", "requests/s"),
        _plain("records", "records"),
        _plain("replicas", "replicas"),
        _plain("cores", "cores"),
        _plain("usd", "USD"),
        _plain("usd_per_day", "USD a day"),
        Unit("ratio", ((0, (100.0, "%")),)),
        Unit("seconds", ((0, (1e6, "µs")), (1e-3, (1e3, "ms")), (2, (1.0, "s")), (600, (1 / 60, "min")))),
        Unit(
            "bytes",
            (
                (0, (1.0, "bytes")),
                (2**10, (2.0**-10, "KiB")),
                (2**20, (2.0**-20, "MiB")),
                (2**30, (2.0**-30, "GiB")),
                (2**40, (2.0**-40, "TiB")),
            ),
        ),
        Unit(
            "bytes_per_second",
            (
                (0, (1.0, "B/s")),
                (2**10, (2.0**-10, "KiB/s")),
                (2**20, (2.0**-20, "MiB/s")),
                (2**30, (2.0**-30, "GiB/s")),
            ),
        ),
    )
}
"""Unit by name. A name that is not here is shown as it is."""


def unit_named(name: str) -> Unit:
    return UNITS.get(name) or _plain(name, name)
