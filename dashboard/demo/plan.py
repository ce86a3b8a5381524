"""Decides what the simulated fleet is: a new one, or the one that is there already and goes on."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from dashboard.demo.fleet import ENVIRONMENTS, SimulatedService, simulated_services
from dashboard.demo.simulation import Simulation
from dashboard.demo.state import DemoState, load_state, save_state
from dashboard.demo.story import DAY, Story
from fleet.actions.simulated import DeclaredService, declare_simulated_fleet, taken_names
from fleet.mapping import resolve_service

DEFAULT_DAYS: Final = 14
DEFAULT_SERVICES: Final = 24
DEFAULT_SEED: Final = 7
MOST_DAYS: Final = 90
"""Log records are not kept longer by default."""


class DemoRefused(Exception):
    """What was asked for does not go with what is there; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for; None leaves it to what is there, or to the default."""

    days: int | None = None
    services: int | None = None
    seed: int | None = None


def planned(data_dir: Path, wishes: Wishes, now_ms: int) -> DemoState:
    """The state to go on from, with its services declared. Raises DemoRefused, DemoStateBroken."""
    state = load_state(data_dir)
    if state is not None:
        _check_same(state, wishes)
    else:
        state = _new_state(wishes, now_ms)
    services = services_of(state)
    _check_mapping(services)
    new = declare_simulated_fleet(
        services=map(_declared, services), environments=ENVIRONMENTS, actor="system"
    )  # fmt: skip
    state.environments = sorted({*state.environments, *new})
    save_state(data_dir, state)
    return state


def services_of(state: DemoState) -> list[SimulatedService]:
    """The services of a fleet under the names that they have here."""
    services = simulated_services(state.services, state.seed)
    return [replace(service, name=state.renamed.get(service.name, service.name)) for service in services]


def simulation_of(state: DemoState) -> Simulation:
    """The simulation as it was when the last acknowledged chunk ended."""
    simulation = Simulation(Story(state.seed, state.start_ms, state.days), services_of(state))
    if state.carry:
        simulation.resume(state.carry)
    return simulation


def _new_state(wishes: Wishes, now_ms: int) -> DemoState:
    days = DEFAULT_DAYS if wishes.days is None else wishes.days
    if not 1 <= days <= MOST_DAYS:
        raise DemoRefused(f"--days {days} is out of range: 1 to {MOST_DAYS}")
    count = DEFAULT_SERVICES if wishes.services is None else wishes.services
    seed = DEFAULT_SEED if wishes.seed is None else wishes.seed
    try:
        names = {service.name for service in simulated_services(count, seed)}
    except ValueError as error:
        raise DemoRefused(f"--services {count}: {error}") from error
    start_ms = (now_ms // DAY - days) * DAY
    return DemoState(
        seed=seed,
        services=count,
        days=days,
        start_ms=start_ms,
        sent_until_ms=start_ms,
        billed_until_day=start_ms // DAY,
        renamed={name: f"demo-{name}" for name in sorted(taken_names(names))},
    )


def _check_same(state: DemoState, wishes: Wishes) -> None:
    there = {"days": state.days, "services": state.services, "seed": state.seed}
    for name, value in there.items():
        wished = getattr(wishes, name)
        if wished is not None and wished != value:
            raise DemoRefused(
                f"a simulated fleet with --{name} {value} is there already, which --{name} {wished} does not go with; "
                "`belvedere demo --remove` removes it"
            )


def _check_mapping(services: list[SimulatedService]) -> None:
    """Rules that give simulated telemetry to another service would mix it with real data for good."""
    for service in services:
        for signal, labels in _labels_by_signal(service):
            found = resolve_service(signal, labels)
            if found != service.name:
                raise DemoRefused(
                    f"a mapping rule for {signal} gives the simulated service {service.name!r} to {found!r}; "
                    "disable the rule while the simulated fleet is there"
                )


def _labels_by_signal(service: SimulatedService) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    yield "metrics", [("service", service.name), ("job", service.name), ("environment", "production")]
    name = "service.name" if service.sender == "otlp" else "service_name"
    yield "logs", [(name, service.name), ("environment", "production")]
    yield "costs", [("service", service.name), ("environment", "production"), ("team", service.team)]


def _declared(service: SimulatedService) -> DeclaredService:
    return DeclaredService(
        service.name, service.team, f"Simulated {service.role} of the demonstration fleet", service.internet_facing
    )
