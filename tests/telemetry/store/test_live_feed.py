from telemetry.model.labels import labels_from
from telemetry.store import LogQuery
from tests.telemetry.batches import NOW_MS, log_batch

NOW_NS = NOW_MS * 1_000_000
API, DB = labels_from({"service": "api", "env": "prod"}), labels_from({"service": "db"})


def line(stream, body):
    return {"stream": stream, "t": NOW_NS, "body": body}


def write(store, *records):
    store.write_logs(log_batch(records)).result(30)


def everything(_labels, _service):
    return True


def test_a_watcher_has_a_record_once_its_sender_is_answered(store):
    with store.live_logs.subscribe() as mailbox:
        write(store, line(API, "hello"), line(DB, "world"))
        (logs,), dropped = mailbox.take()
    assert dropped == 0
    assert [(record.body, record.stream, record.service) for record in logs.select(everything)] == [
        ("hello", API, "api"),
        ("world", DB, "db"),
    ]


def test_a_live_record_is_the_one_that_is_found_later(store):
    with store.live_logs.subscribe() as mailbox:
        write(store, line(API, "hello"))
        (logs,), _ = mailbox.take()
    assert list(logs.select(everything)) == store.search_logs(LogQuery(NOW_NS, NOW_NS))


def test_a_watcher_takes_only_streams_it_wants(store):
    with store.live_logs.subscribe() as mailbox:
        write(store, line(API, "a"), line(DB, "b"), line(API, "c"))
        (logs,), _ = mailbox.take()
    assert [record.body for record in logs.select(lambda labels, service: service == "api")] == ["a", "c"]


def test_a_slow_watcher_loses_the_oldest_and_is_told_how_many(store):
    woken = []
    with store.live_logs.subscribe(capacity=2, wake=lambda: woken.append(1)) as mailbox:
        for body in ("1", "2", "3", "4", "5"):
            write(store, line(API, body))
        taken, dropped = mailbox.take()
        again = mailbox.take()
    assert [record.body for logs in taken for record in logs.select(everything)] == ["4", "5"]
    assert dropped == 3
    assert len(woken) == 5
    assert again == ([], 0)


def test_nobody_is_told_after_leaving(store):
    mailbox = store.live_logs.subscribe()
    mailbox.close()
    write(store, line(API, "hello"))
    assert mailbox.take() == ([], 0)
