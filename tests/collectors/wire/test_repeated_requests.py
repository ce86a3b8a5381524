import cramjam
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.wire.limits import DecodeLimits
from collectors.wire.remote_write import decode_write_request
from collectors.wire.repeated_requests import RepeatedRequests
from telemetry.model.errors import InvalidInput
from telemetry.model.samples import STALE_NAN
from tests.collectors.wire.encoders import write_request

NOW = 1_795_000_000_000
LIMITS = DecodeLimits()


def packed(request: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(request))


def labels(number: int) -> dict[str, str]:
    return {"__name__": "up", "instance": f"host-{number:03}"}


def meaning(batch):
    """(key, timestamp, bits of the value) of each sample."""
    keys = [batch.keys[position] for position in batch.key_index.tolist()]
    return list(zip(keys, batch.timestamps_ms.tolist(), batch.values.view(np.uint64).tolist(), strict=True))


def assert_decodes_as_alone(repeated: RepeatedRequests, request: bytes, bound: str = "") -> None:
    found = repeated.decode(packed(request), LIMITS, bound)
    assert meaning(found.batch) == meaning(decode_write_request(request, LIMITS).batch)


values = st.floats(allow_nan=True) | st.sampled_from([0.0, -0.0, STALE_NAN, 1.0])
times = st.integers(1_700_000_000_000, 1_800_000_000_000)
requests = st.lists(
    st.tuples(st.integers(0, 3), st.lists(st.tuples(times, values), min_size=1, max_size=2)), min_size=1, max_size=4
)


@given(st.lists(requests, max_size=3), st.data())
def test_any_run_of_requests_means_what_each_means_alone(kinds, data):
    repeated = RepeatedRequests()
    for _ in range(8):
        series = data.draw(st.sampled_from(kinds)) if kinds else [(0, [(NOW, 1.0)])]
        moved = [(number, [(t + 1, data.draw(values)) for t, _ in pairs]) for number, pairs in series]
        assert_decodes_as_alone(repeated, write_request(*((labels(number), pairs) for number, pairs in moved)))


def test_from_the_third_time_on_numbers_travel_with_the_request():
    repeated = RepeatedRequests()
    for step in range(4):
        request = write_request(*((labels(number), [(NOW + step, number + 0.5)]) for number in range(10)))
        batch = repeated.decode(packed(request), LIMITS, "").batch
        if batch.numbers is not None:
            batch.numbers.numbers[:] = np.where(batch.numbers.numbers < 0, 7, batch.numbers.numbers)
    assert batch.numbers is not None
    assert batch.numbers.numbers.tolist() == [7] * 10


def test_numbers_of_one_service_are_not_given_to_another():
    repeated = RepeatedRequests()
    request = packed(write_request((labels(1), [(NOW, 1.5)])))
    for _ in range(3):
        known = repeated.decode(request, LIMITS, "shop").batch
    known.numbers.numbers[:] = 5
    for _ in range(3):
        other = repeated.decode(request, LIMITS, "bank").batch
    assert other.numbers.numbers.tolist() == [-1]


def test_one_other_letter_is_another_series():
    repeated = RepeatedRequests()
    for _ in range(3):
        assert_decodes_as_alone(repeated, write_request(*((labels(number), [(NOW, 1.5)]) for number in range(50))))
    changed = [(labels(number if number != 49 else 48), [(NOW, 1.5)]) for number in range(50)]
    assert_decodes_as_alone(repeated, write_request(*changed))


def test_memory_for_former_requests_is_bounded():
    repeated = RepeatedRequests(max_bytes=1000)
    for _ in range(3):
        for number in range(20):
            assert_decodes_as_alone(repeated, write_request((labels(number), [(NOW, 1.5)])))
    assert repeated._bytes <= 1000
    assert repeated._bytes == sum(former.size for former in repeated._former.values())


def test_a_broken_body_is_refused_as_alone():
    with pytest.raises(InvalidInput, match="snappy"):
        RepeatedRequests().decode(b"\xff\xff\xff\xff\xff", LIMITS, "")
