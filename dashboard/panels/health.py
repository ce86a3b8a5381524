"""Is a service well? A pure judgement of its golden signals, with the reasons in words."""

from dataclasses import dataclass
from typing import Final

FAILING: Final = 0.05
"""Error ratio from which a service is critical."""
TROUBLED: Final = 0.01
"""Error ratio from which it is warned of."""
FULL: Final = 0.9
"""Saturation from which it is warned of."""
LATE_MS: Final = 5 * 60_000
SILENT_MS: Final = 60 * 60_000
"""Without news for so long a service that used to send is critical."""

ORDER: Final = ("crit", "warn", "ok", "none")


@dataclass(frozen=True, slots=True)
class Vitals:
    """What is known of a service at one moment; None is unknown. Ratios are 0 to 1."""

    requests_per_second: float | None = None
    error_ratio: float | None = None
    latency_seconds: float | None = None
    cpu_cores: float | None = None
    cpu_saturation_ratio: float | None = None
    memory_bytes: float | None = None
    memory_saturation_ratio: float | None = None
    replicas: float | None = None
    replicas_wanted: float | None = None
    silent_ms: int | None = None
    """Age of its newest telemetry; None if it never sent any."""


@dataclass(frozen=True, slots=True)
class Health:
    """`state` is a badge word of ORDER; `reasons` say why, the worst first."""

    state: str
    word: str
    reasons: tuple[str, ...] = ()

    @property
    def rank(self) -> int:
        """0 is worst."""
        return ORDER.index(self.state)


def health_of(vitals: Vitals) -> Health:
    """Critical if anything is, else a warning if anything deserves one, else well. No telemetry is no judgement."""
    if vitals.silent_ms is None:
        return Health("none", "No data", ("never sent metrics or logs",))
    critical = _critical(vitals)
    warnings = _warnings(vitals)
    if critical:
        return Health("crit", "Critical", (*critical, *warnings))
    return Health("warn", "Warning", tuple(warnings)) if warnings else Health("ok", "OK")


def _critical(vitals: Vitals) -> list[str]:
    reasons = []
    if vitals.error_ratio is not None and vitals.error_ratio >= FAILING:
        reasons.append(f"{vitals.error_ratio:.1%} errors")
    if vitals.replicas == 0 and vitals.replicas_wanted != 0:
        reasons.append("no replica is up")
    if vitals.silent_ms is not None and vitals.silent_ms > SILENT_MS:
        reasons.append(f"silent for {vitals.silent_ms // 3_600_000} h")
    return reasons


def _warnings(vitals: Vitals) -> list[str]:
    reasons = []
    if vitals.error_ratio is not None and TROUBLED <= vitals.error_ratio < FAILING:
        reasons.append(f"{vitals.error_ratio:.1%} errors")
    if vitals.replicas and vitals.replicas_wanted and vitals.replicas < vitals.replicas_wanted:
        reasons.append(
            f"{vitals.replicas_wanted - vitals.replicas:.0f} of {vitals.replicas_wanted:.0f} replicas missing"
        )
    reasons += [
        f"{what} {ratio:.0%} full"
        for what, ratio in (("CPU", vitals.cpu_saturation_ratio), ("memory", vitals.memory_saturation_ratio))
        if ratio is not None and ratio >= FULL
    ]
    if vitals.silent_ms is not None and LATE_MS < vitals.silent_ms <= SILENT_MS:
        reasons.append(f"silent for {vitals.silent_ms // 60_000} min")
    return reasons
