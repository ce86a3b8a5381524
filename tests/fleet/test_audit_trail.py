"""The audit trail holds together by hash, and says where it does not."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from fleet.actions.audit import GENESIS, masked, record, verify_chain
from fleet.models import AuditEvent

pytestmark = pytest.mark.django_db


def write_events(count: int) -> list[AuditEvent]:
    return [record(actor="user:ada", action="thing.changed", detail={"number": n}) for n in range(count)]


def test_each_event_carries_the_hash_of_the_one_before() -> None:
    first, second = write_events(2)
    assert first.previous_hash == GENESIS
    assert second.previous_hash == first.hash


def test_an_untouched_trail_is_whole() -> None:
    write_events(5)
    state = verify_chain()
    assert state.is_whole
    assert state.events == 5


def test_a_changed_event_is_named() -> None:
    events = write_events(3)
    AuditEvent.objects.filter(pk=events[1].pk).update(actor="user:mallory")
    state = verify_chain()
    assert (state.broken_at, state.events) == (events[1].pk, 1)


def test_a_missing_event_is_noticed_at_the_next_one() -> None:
    events = write_events(3)
    AuditEvent.objects.filter(pk=events[1].pk).delete()
    assert verify_chain().broken_at == events[2].pk


def test_secret_values_are_masked_at_any_depth() -> None:
    detail = {"name": "ci", "secret": "s", "nested": [{"api_key": "k", "plain": 1}]}
    assert masked(detail) == {"name": "ci", "secret": "***", "nested": [{"api_key": "***", "plain": 1}]}


@pytest.mark.django_db(transaction=True)
def test_events_written_at_once_by_several_threads_form_one_chain() -> None:
    def write(number: int) -> None:
        try:
            record(actor=f"user:{number}", action="thing.changed")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(12)))
    assert verify_chain() == type(verify_chain())(12, None)
