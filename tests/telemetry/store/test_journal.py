import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.errors import StoreUnavailable
from telemetry.model.samples import STALE_NAN
from telemetry.store.journal import Journal, JournalRecord, left_behind
from telemetry.store.sample_table import split_values


def record(*values: float) -> JournalRecord:
    count = len(values)
    ids = np.arange(count, dtype=np.uint64) + np.uint64(2**63)
    return JournalRecord(ids, np.full(count, -5, np.int64), np.array(values))


def bits(records: list[JournalRecord]) -> list[list[int]]:
    return [found.values.view(np.uint64).tolist() for found in records]


def abandoned(journal: Journal) -> None:
    """As the end of a process leaves it."""
    for segment in journal.cut():
        segment.release()


def replayed(directory) -> list[JournalRecord]:
    found = []
    for segment, records in left_behind(directory):
        found += records
        segment.discard()
    return found


def test_what_was_appended_comes_back_bit_for_bit_and_once(tmp_path):
    journal = Journal(tmp_path, fsync=True)
    groups = [record(1.0, STALE_NAN, -0.0), record(float("inf"))]
    for group in groups:
        journal.append(group)
    abandoned(journal)
    found = replayed(tmp_path)
    assert bits(found) == bits(groups)
    assert [got.ids.tolist() for got in found] == [group.ids.tolist() for group in groups]
    assert [got.timestamps_ms.tolist() for got in found] == [[-5, -5, -5], [-5]]
    assert replayed(tmp_path) == []


def test_the_journal_of_an_open_store_is_nobody_elses(tmp_path):
    journal = Journal(tmp_path, fsync=False)
    journal.append(record(1.0))
    assert replayed(tmp_path) == []
    (segment,) = journal.cut()
    assert replayed(tmp_path) == []
    segment.release()
    assert bits(replayed(tmp_path)) == bits([record(1.0)])


@given(cut=st.integers(1, 60))
def test_a_record_that_was_cut_off_is_left_out_and_those_before_it_are_not(tmp_path_factory, cut):
    directory = tmp_path_factory.mktemp("journal")
    journal = Journal(directory, fsync=False)
    journal.append(record(1.0, 2.0))
    journal.append(record(3.0))
    abandoned(journal)
    (path,) = directory.iterdir()
    path.write_bytes(path.read_bytes()[:-cut])
    assert bits(replayed(directory)) == bits([record(1.0, 2.0)])


def test_a_disk_that_takes_nothing_is_told_and_what_comes_later_is_found(tmp_path, monkeypatch):
    journal = Journal(tmp_path, fsync=True)
    journal.append(record(1.0))

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fdatasync", full)
    with pytest.raises(StoreUnavailable, match="No space left on device"):
        journal.append(record(2.0))
    monkeypatch.undo()
    journal.append(record(3.0))
    abandoned(journal)
    assert {1.0, 3.0} <= {value for found in replayed(tmp_path) for value in found.values.tolist()}


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64) | st.integers(-(2**60), 2**60).map(float)))
def test_a_value_is_put_together_as_the_engine_does_it(values):
    sent = np.array([*values, STALE_NAN, -0.0, 0.0, 2.0**53, -(2.0**53)])
    whole, kept = split_values(sent)
    together = np.where(kept != 0, kept.view(np.float64), whole.astype(np.float64))
    assert together.view(np.uint64).tolist() == sent.view(np.uint64).tolist()
    assert not whole[kept != 0].any()
