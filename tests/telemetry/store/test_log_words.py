import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.store.log_words import alternatives
from tests.telemetry.batches import NOW_MS, log_batch

ID = "4117f44b904d5a2691c11d2471fc4a54"
UUID = "550e8400-e29b-41d4-a716-446655440000"


def words(text):
    """What the engine keeps of a text, as the schema says."""
    runs = re.findall(r"[0-9A-Za-z-]{16,}", text)
    return set(runs) | {mark for run in runs if (mark := length_mark(len(run)))}


def length_mark(size):
    return ">64" if size > 64 else ">36" if size > 36 else ">32" if size > 32 else ""


pieces = st.lists(
    st.sampled_from([ID, ID[:16], UUID, "a" * 33, "b" * 40, "c" * 65, "-", "_", " ", '"', "é", "x", "00-", ":"]),
    max_size=8,
).map("".join)


@given(before=pieces, needle=pieces, after=pieces)
def test_no_record_with_the_needle_is_skipped(before, needle, after):
    kept = words(before + needle + after)
    assert all(kept & set(wanted) for wanted in alternatives(needle))


@pytest.mark.parametrize(
    ("needle", "found"),
    [
        (ID, [[ID, ">32", ">36", ">64"]]),
        (UUID, [[UUID, ">36", ">64"]]),
        ("d" * 64, [["d" * 64, ">64"]]),
        (f'"{ID[:16]}"', [[ID[:16]]]),
        (ID[:16], []),
        ("timeout", []),
        (f"{ID} {UUID} ", [[ID, ">32", ">36", ">64"], [UUID]]),
    ],
)
def test_an_id_is_looked_up_with_the_marks_of_longer_runs(needle, found):
    assert alternatives(needle) == found


def test_the_engine_keeps_the_words_of_bodies_attributes_and_ids(store):
    rows = [f"a {ID}{ID[:2]} b", f"{UUID}-{UUID}", "f" * 70, "short words only"]
    records = [{"stream": (), "t": NOW_MS * 10**6, "body": body} for body in rows]
    records.append({"stream": (), "t": NOW_MS * 10**6, "attributes": f'{{"request":"{UUID}"}}', "trace_id": ID})
    store.write_logs(log_batch(records)).result(30)
    kept = store.engine.rows("SELECT body, attributes, trace_id, words FROM log_records")
    assert len(kept) == 5
    for body, attributes, trace_id, found in kept:
        assert set(found) == words(f"{body}\n{attributes}\n{trace_id}\n")
