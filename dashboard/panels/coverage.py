"""How much of what arrives belongs to a named service: of series, log records, findings and spend."""

from dataclasses import dataclass, field

from fleet.mapping import UNKNOWN_SERVICE
from fleet.models import Finding
from telemetry.model.errors import TelemetryError
from telemetry.store import current


@dataclass(frozen=True, slots=True)
class CoveragePart:
    """Of `total` things of one kind, `covered` belong to a named service."""

    name: str
    covered: int
    total: int

    @property
    def ratio(self) -> float | None:
        """Share that is covered, 0 to 1; None while there is nothing."""
        return self.covered / self.total if self.total else None

    @property
    def uncovered_ratio(self) -> float | None:
        return None if self.ratio is None else 1 - self.ratio

    @property
    def words(self) -> str:
        return f"{self.covered:,} of {self.total:,}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage by kind; `error` says why it is not known."""

    parts: list[CoveragePart] = field(default_factory=list)
    error: str = ""


def mapping_coverage() -> Coverage:
    """Two queries to the engine and one to the database."""
    try:
        volumes = current().service_volumes()
    except TelemetryError as error:
        return Coverage(error=str(error))
    series = {service: volume.series for service, volume in volumes.items()}
    records = {service: volume.log_records for service, volume in volumes.items()}
    return Coverage([_part("Series", series), _part("Log records", records), _findings()])


def _part(name: str, by_service: dict[str, int]) -> CoveragePart:
    total = sum(by_service.values())
    return CoveragePart(name, total - by_service.get(UNKNOWN_SERVICE, 0), total)


def _findings() -> CoveragePart:
    total = Finding.objects.count()
    unknown = Finding.objects.filter(service__name=UNKNOWN_SERVICE).count()
    return CoveragePart("Findings", total - unknown, total)
