"""What is known of the exploitation of problems, by any of their identifiers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from fleet.models import ExploitPrediction, KnownExploited

_QUERY_IDS: Final = 500


@dataclass(frozen=True, slots=True)
class Threat:
    """One CVE; what no feed says is None or False."""

    epss: float | None = None
    percentile: float | None = None
    kev_added_on: date | None = None
    ransomware: bool = False


@dataclass(frozen=True, slots=True)
class Threats:
    """What is known of the exploitation of many problems."""

    by_cve: Mapping[str, Threat] = field(default_factory=dict)
    has_catalogue: bool = False
    """Whether a catalogue of exploited vulnerabilities is loaded, so that absence from it says something."""

    def epss(self, ids: Iterable[str]) -> float | None:
        """The greatest score among the identifiers of one problem; None where there is none."""
        scores = (self.by_cve[name].epss for name in ids if name in self.by_cve)
        return max((score for score in scores if score is not None), default=None)

    def known_exploited(self, ids: Iterable[str]) -> bool | None:
        """Whether the catalogue names any of them; None where no catalogue is loaded."""
        if not self.has_catalogue:
            return None
        return any(name in self.by_cve and self.by_cve[name].kev_added_on is not None for name in ids)


def known_threats(ids: Iterable[str]) -> Threats:
    """What is known of all `ids`; one query more than `threats_of`."""
    return Threats(threats_of(ids), KnownExploited.objects.exists())


def threats_of(ids: Iterable[str]) -> dict[str, Threat]:
    """CVE -> what is known of it, for those of `ids` of which anything is. Two queries per 500 CVEs."""
    cves = sorted({name for name in ids if name.startswith("CVE-")})
    found: dict[str, Threat] = {}
    for start in range(0, len(cves), _QUERY_IDS):
        wanted = cves[start : start + _QUERY_IDS]
        scores = {row.cve: row for row in ExploitPrediction.objects.filter(cve__in=wanted)}
        known = {row.cve: row for row in KnownExploited.objects.filter(cve__in=wanted)}
        found |= {cve: _threat(scores.get(cve), known.get(cve)) for cve in scores.keys() | known.keys()}
    return found


def _threat(score: ExploitPrediction | None, known: KnownExploited | None) -> Threat:
    return Threat(
        epss=score.score if score else None,
        percentile=score.percentile if score else None,
        kev_added_on=known.added_on if known else None,
        ransomware=bool(known and known.ransomware),
    )
