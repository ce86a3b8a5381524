"""Takes the simulated fleet out again; runs where the store is open."""

from dataclasses import dataclass
from pathlib import Path

from collectors.bills import remove_bills
from dashboard.demo.state import DemoStateBroken, forget_state, load_state
from fleet.actions.simulated import remove_simulated_fleet, simulated_services
from fleet.models import CostImport
from telemetry.store import TelemetryStore


@dataclass(frozen=True, slots=True)
class Removed:
    """What was taken out."""

    services: int
    rows: int
    """Samples and log records."""
    charges: int


def remove_demo(store: TelemetryStore, data_dir: Path) -> Removed:
    """Delete everything simulated and nothing else. May be repeated if it was cut off: the services go last."""
    rows = store.delete_service(names) if (names := simulated_services()) else 0
    charges = remove_bills(list(CostImport.objects.filter(simulated=True)), actor="system")
    count = remove_simulated_fleet(environments=_environments(data_dir), actor="system")
    forget_state(data_dir)
    return Removed(count, rows, charges)


def _environments(data_dir: Path) -> list[str]:
    try:
        state = load_state(data_dir)
    except DemoStateBroken:
        return []
    return state.environments if state else []
