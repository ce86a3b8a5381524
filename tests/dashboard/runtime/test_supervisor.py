import itertools

from dashboard.runtime.supervisor import LONGEST_PAUSE_SECONDS, LOOK_SECONDS, RESTARTS, Supervisor
from tests.dashboard.runtime.parts import Clock, NotingPart


def restarts(name: str) -> float:
    return RESTARTS.labels(name)._value.get()


def test_a_dead_part_is_started_again_and_counted() -> None:
    part, clock = NotingPart("dead once", []), Clock()
    supervisor = Supervisor([part], clock)
    supervisor.look()
    assert part.alive()
    assert restarts("dead once") == 1
    supervisor.look()
    assert part.notes == ["start dead once"]


def test_a_part_that_keeps_dying_is_started_ever_more_slowly() -> None:
    part, clock = NotingPart("dying", []), Clock()
    supervisor = Supervisor([part], clock)
    starts_at = []
    for _ in range(400):
        before = len(part.notes)
        supervisor.look()
        if len(part.notes) > before:
            starts_at.append(clock.now)
            part.lives = False
        clock.now += 1
    pauses = [later - earlier for earlier, later in itertools.pairwise(starts_at)]
    assert pauses[0] == LOOK_SECONDS
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_SECONDS


def test_a_part_that_lived_long_is_started_again_at_once() -> None:
    part, clock = NotingPart("old", []), Clock()
    supervisor = Supervisor([part], clock)
    for _ in range(5):
        supervisor.look()
        part.lives = False
        clock.now += LONGEST_PAUSE_SECONDS
    supervisor.look()
    assert part.alive()
    clock.now += 3 * LONGEST_PAUSE_SECONDS
    supervisor.look()
    part.lives = False
    supervisor.look()
    assert part.alive()


def test_a_part_that_does_not_start_is_tried_again() -> None:
    part, clock = NotingPart("stubborn", []), Clock()
    part.refuses_to_start = True
    supervisor = Supervisor([part], clock)
    supervisor.look()
    assert not part.alive()
    part.refuses_to_start = False
    clock.now += LONGEST_PAUSE_SECONDS
    supervisor.look()
    assert part.alive()


def test_the_supervisor_is_a_part_that_stops_in_time() -> None:
    supervisor = Supervisor([])
    supervisor.start()
    assert supervisor.alive()
    assert supervisor.stop(5)
    assert not supervisor.alive()
