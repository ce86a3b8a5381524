import threading
from concurrent.futures import wait

import pytest

from telemetry.model.errors import InvalidInput, StoreBusy, StoreUnavailable
from telemetry.model.samples import WriteReceipt
from telemetry.store.group_commit import GroupCommit
from telemetry.store.settings import StoreSettings


class Ledger:
    """Stands in for the table: notes groups, waits and fails on demand."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.failure: Exception | None = None

    def commit(self, group: list[str]) -> None:
        self.entered.set()
        self.gate.wait(30)
        if self.failure:
            failure, self.failure = self.failure, None
            raise failure
        self.groups.append(group)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def commit_queue(ledger: Ledger, **settings) -> GroupCommit[str]:
    return GroupCommit("test", ledger.commit, StoreSettings(**{"group_commit_ms": 0, **settings}))


def test_requests_that_arrive_while_one_is_committed_share_the_next_group(ledger):
    queue = commit_queue(ledger)
    ledger.gate.clear()
    first = queue.submit(1, "a", WriteReceipt(1))
    ledger.entered.wait(30)
    others = [queue.submit(1, name, WriteReceipt(1)) for name in "bcd"]
    assert not first.done()
    ledger.gate.set()
    wait([first, *others], 30)
    queue.close()
    assert ledger.groups == [["a"], ["b", "c", "d"]]


def test_the_window_lets_requests_share_a_group(ledger):
    queue = commit_queue(ledger, group_commit_ms=5000, batch_rows=3)
    futures = [queue.submit(1, name, WriteReceipt(1)) for name in "abc"]
    wait(futures, 30)
    queue.close()
    assert ledger.groups == [["a", "b", "c"]]


def test_a_group_is_no_larger_than_the_batch(ledger):
    queue = commit_queue(ledger, batch_rows=10)
    ledger.gate.clear()
    queue.submit(1, "a", WriteReceipt(1))
    ledger.entered.wait(30)
    for name in "bcd":
        queue.submit(5, name, WriteReceipt(5))
    queue.submit(50, "large", WriteReceipt(50))
    ledger.gate.set()
    queue.close()
    assert ledger.groups == [["a"], ["b", "c"], ["d"], ["large"]]


def test_a_failure_fails_exactly_the_futures_of_its_group(ledger):
    queue = commit_queue(ledger)
    ledger.failure = StoreUnavailable("disk full")
    with pytest.raises(StoreUnavailable, match="disk full"):
        queue.submit(1, "lost", WriteReceipt(1)).result(30)
    assert queue.submit(1, "kept", WriteReceipt(1)).result(30) == WriteReceipt(1)
    queue.close()
    assert ledger.groups == [["kept"]]


def test_an_unexpected_failure_is_told_as_unavailable_and_does_not_end_the_writing(ledger):
    queue = commit_queue(ledger)
    ledger.failure = ZeroDivisionError("a bug")
    with pytest.raises(StoreUnavailable, match="ZeroDivisionError") as caught:
        queue.submit(1, "lost", WriteReceipt(1)).result(30)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert queue.submit(1, "kept", WriteReceipt(1)).result(30) == WriteReceipt(1)
    queue.close()


def test_an_error_of_this_floor_is_passed_on_as_it_is(ledger):
    queue = commit_queue(ledger)
    ledger.failure = InvalidInput("no")
    with pytest.raises(InvalidInput):
        queue.submit(1, "lost", WriteReceipt(1)).result(30)
    queue.close()


def test_a_full_queue_refuses_at_once_and_takes_again_when_it_is_empty(ledger):
    queue = commit_queue(ledger, queue_rows=10)
    ledger.gate.clear()
    first = queue.submit(8, "a", WriteReceipt(8))
    with pytest.raises(StoreBusy, match=r"8 rows wait .* the limit of 10 \(BELVEDERE_QUEUE_ROWS\)") as caught:
        queue.submit(3, "b", WriteReceipt(3))
    assert caught.value.retry_after_seconds >= 1
    ledger.gate.set()
    first.result(30)
    queue.flush()
    assert queue.submit(3, "b", WriteReceipt(3)).result(30) == WriteReceipt(3)
    queue.close()


def test_a_request_larger_than_the_queue_is_taken_when_nothing_waits(ledger):
    queue = commit_queue(ledger, queue_rows=10)
    assert queue.submit(100, "a", WriteReceipt(100)).result(30) == WriteReceipt(100)
    queue.close()


def test_close_commits_what_waits_and_refuses_the_rest(ledger):
    queue = commit_queue(ledger, group_commit_ms=5000)
    future = queue.submit(1, "a", WriteReceipt(1))
    queue.close()
    assert future.result(0) == WriteReceipt(1)
    with pytest.raises(StoreUnavailable, match="closed"):
        queue.submit(1, "b", WriteReceipt(1))


def test_flush_returns_after_everything_before_it(ledger):
    queue = commit_queue(ledger, group_commit_ms=5000)
    future = queue.submit(1, "a", WriteReceipt(1))
    queue.flush()
    assert future.done()
    queue.close()
    queue.flush()


def test_an_accepted_request_cannot_be_called_back(ledger):
    queue = commit_queue(ledger, group_commit_ms=5000)
    future = queue.submit(1, "a", WriteReceipt(1))
    assert not future.cancel()
    queue.close()
    assert ledger.groups == [["a"]]
