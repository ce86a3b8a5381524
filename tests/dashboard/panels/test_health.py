"""The judgement of a service as a table."""

import pytest

from dashboard.panels.health import Vitals, health_of


@pytest.mark.parametrize(
    ("vitals", "state", "reason"),
    [
        (Vitals(), "none", "never sent"),
        (Vitals(silent_ms=0), "ok", ""),
        (Vitals(silent_ms=0, error_ratio=0.009), "ok", ""),
        (Vitals(silent_ms=0, error_ratio=0.01), "warn", "1.0% errors"),
        (Vitals(silent_ms=0, error_ratio=0.05), "crit", "5.0% errors"),
        (Vitals(silent_ms=0, replicas=0, replicas_wanted=2), "crit", "no replica"),
        (Vitals(silent_ms=0, replicas=0, replicas_wanted=0), "ok", ""),
        (Vitals(silent_ms=0, replicas=3, replicas_wanted=4), "warn", "1 of 4 replicas missing"),
        (Vitals(silent_ms=0, cpu_saturation_ratio=0.9), "warn", "CPU 90% full"),
        (Vitals(silent_ms=0, memory_saturation_ratio=0.97), "warn", "memory 97% full"),
        (Vitals(silent_ms=6 * 60_000), "warn", "silent for 6 min"),
        (Vitals(silent_ms=3 * 3_600_000), "crit", "silent for 3 h"),
    ],
)
def test_health_and_its_reason(vitals: Vitals, state: str, reason: str) -> None:
    health = health_of(vitals)
    assert health.state == state
    assert reason in " ".join(health.reasons)
    assert bool(health.reasons) == (state != "ok")


def test_every_reason_is_given_the_worst_first() -> None:
    health = health_of(Vitals(silent_ms=0, error_ratio=0.5, cpu_saturation_ratio=0.99))
    assert (health.state, health.reasons) == ("crit", ("50.0% errors", "CPU 99% full"))


def test_states_rank_from_the_worst() -> None:
    ranks = [
        health_of(v).rank
        for v in (
            Vitals(silent_ms=0, error_ratio=1),
            Vitals(silent_ms=0, error_ratio=0.02),
            Vitals(silent_ms=0),
            Vitals(),
        )
    ]
    assert ranks == sorted(ranks)
