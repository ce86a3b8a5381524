"""Who is in the simulated fleet: teams, services, and what each is like. Everything follows from the seed."""

from dataclasses import dataclass
from typing import Final, Literal

from dashboard.demo.noise import one, stream_of

Sender = Literal["loki", "otlp"]

ENVIRONMENTS: Final = ("production", "staging")
STAGING_LOAD: Final = 0.04
"""Share of production's traffic that staging sees."""

TEAMS: Final = {
    "Storefront": ("storefront", "search", "recommendations", "catalog", "cart", "reviews"),
    "Payments": ("checkout", "payments", "fraud-check", "invoices", "ledger", "refunds"),
    "Platform": ("gateway", "auth", "media", "notifications", "sessions", "feature-flags"),
    "Logistics": ("orders", "inventory", "shipping", "tracking", "returns", "warehouse-sync"),
}
"""Team -> its services; the first of each are those that incidents happen to."""

BAD_DEPLOY: Final = "checkout"
MEMORY_LEAK: Final = "orders"
SURGE: Final = "storefront"
"""Services of the three incidents: the first of their teams, so that a small fleet has them too."""

INTERNET_FACING: Final = frozenset({"storefront", "gateway", "checkout", "search", "media", "tracking"})
CONTAINERS_ONLY: Final = frozenset(
    {"gateway", "sessions", "media", "ledger", "inventory", "search", "feature-flags", "warehouse-sync"}
)
"""Services seen through their containers only; the others export metrics of their own process."""


@dataclass(frozen=True, slots=True)
class SimulatedService:
    """One service and the numbers that its behaviour follows from."""

    name: str
    role: str
    """The word that its nature follows from: the name without a number."""
    team: str
    sender: Sender
    """How its logs travel."""
    peak_rps: float
    peak_hour: float
    """Hour of the day (UTC) with most traffic."""
    weekend_ratio: float
    cpu_seconds_per_request: float
    latency_seconds: float
    """Median without load."""
    error_ratio: float
    memory_bytes: float
    cpu_request: float
    """Cores of one replica; the limit is twice that."""
    memory_limit_bytes: float
    minimum: int
    maximum: int
    target_ratio: float
    """CPU use per request that the autoscaler aims at."""

    @property
    def cpu_limit(self) -> float:
        return 2 * self.cpu_request

    @property
    def capacity_rps(self) -> float:
        """Requests per second of all replicas there may be, at their CPU limits."""
        return self.maximum * self.cpu_limit / self.cpu_seconds_per_request

    @property
    def internet_facing(self) -> bool:
        return self.role in INTERNET_FACING

    @property
    def has_process_metrics(self) -> bool:
        return self.role not in CONTAINERS_ONLY


def simulated_services(count: int, seed: int) -> list[SimulatedService]:
    """`count` services, taking one of each team in turn; from the 25th on names carry a number.

    Raises ValueError if count is not 1 to 200.
    """
    if not 1 <= count <= 200:
        raise ValueError(f"there can be 1 to 200 simulated services, not {count}")
    roles = [(team, names[place]) for place in range(6) for team, names in TEAMS.items()]
    return [_service(*roles[number % len(roles)], number // len(roles), number, seed) for number in range(count)]


def _service(team: str, role: str, copy: int, number: int, seed: int) -> SimulatedService:
    name = f"{role}-{copy + 1}" if copy else role

    def chosen(word: str, low: float, high: float) -> float:
        return low + (high - low) * one(stream_of(seed, name, word))

    minimum = 2
    maximum = 5 + int(chosen("maximum", 0, 4))
    cpu_request = round(chosen("cpu", 0.25, 1.0) * 4) / 4
    target = round(chosen("target", 0.55, 0.75) * 20) / 20
    cpu_seconds = chosen("work", 0.004, 0.02)
    # Sized so that the autoscaler stands at two thirds of its maximum at the daily peak.
    peak_rps = 0.66 * maximum * cpu_request * target / cpu_seconds
    return SimulatedService(
        name=name,
        role=role,
        team=team,
        sender="otlp" if number % 2 else "loki",
        peak_rps=peak_rps,
        peak_hour=chosen("hour", 12, 20),
        weekend_ratio=chosen("weekend", 0.5, 1.1),
        cpu_seconds_per_request=cpu_seconds,
        latency_seconds=chosen("latency", 0.02, 0.12),
        error_ratio=chosen("errors", 0.0005, 0.003),
        memory_bytes=chosen("memory", 150, 500) * 2**20,
        cpu_request=cpu_request,
        memory_limit_bytes=1024.0 * 2**20,
        minimum=minimum,
        maximum=maximum,
        target_ratio=target,
    )
