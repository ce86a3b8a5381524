import pytest

from dashboard.runtime.parts import Parts
from tests.dashboard.runtime.parts import NotingPart


def test_parts_start_in_order_and_stop_in_reverse() -> None:
    notes: list[str] = []
    parts = Parts([NotingPart("store", notes), NotingPart("worker", notes)])
    parts.start()
    assert parts.stop()
    assert notes == ["start store", "start worker", "stop worker", "stop store"]


def test_a_part_that_does_not_start_stops_those_before_it_and_raises_its_error() -> None:
    notes: list[str] = []
    worker = NotingPart("worker", notes)
    worker.refuses_to_start = True
    with pytest.raises(RuntimeError, match="worker refuses"):
        Parts([NotingPart("store", notes), worker]).start()
    assert notes == ["start store", "stop store"]


def test_a_part_that_hangs_does_not_keep_the_others_from_stopping() -> None:
    notes: list[str] = []
    worker = NotingPart("worker", notes)
    worker.stops_in_time = False
    parts = Parts([NotingPart("store", notes), worker])
    parts.start()
    assert not parts.stop()
    assert notes[-1] == "stop store"


def test_a_part_that_fails_to_stop_does_not_keep_the_others_from_stopping() -> None:
    class Failing(NotingPart):
        def stop(self, timeout_seconds: float) -> bool:
            raise OSError("no")

    notes: list[str] = []
    parts = Parts([NotingPart("store", notes), Failing("worker", notes)])
    parts.start()
    assert not parts.stop()
    assert notes[-1] == "stop store"
