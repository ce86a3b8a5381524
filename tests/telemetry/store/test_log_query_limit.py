"""A query for log lines that would read too many bytes is refused with the setting's name, and counted."""

from dataclasses import replace

import pytest

from telemetry.model.errors import LimitExceeded
from telemetry.model.labels import labels_from
from telemetry.store import own_metrics
from telemetry.store.log_counts import CountQuery, LineCounter
from telemetry.store.log_lines import LineCondition, LineQuery, LineReader
from telemetry.store.log_query_limit import log_read_settings
from tests.telemetry.batches import NOW_MS, log_batch

NOW_NS = NOW_MS * 10**6


@pytest.mark.parametrize(("most", "refused"), [(10_000, True), (10_000_000, False)])
def test_the_limit_of_bytes_holds_for_lines_and_for_counts(store, most, refused):
    stream = labels_from({"service": "one"})
    store.write_logs(
        log_batch([{"stream": stream, "t": NOW_NS - n, "body": f"{n} " + "x" * 1000} for n in range(200)])
    ).result(30)
    settings = replace(store.settings, max_query_log_bytes=most)
    limited = log_read_settings(settings, {})
    query = LineQuery(store.select_log_streams([], 0, NOW_NS), 0, NOW_NS, (LineCondition(texts=("7 ",)),))
    before = own_metrics.LOG_QUERIES_OVER_BYTES._value.get()
    asked = (
        lambda: LineReader(store.engine, settings, {}, store.log_fields, None).lines(query).num_rows,
        lambda: LineCounter(store.engine, limited, store.log_fields).counts(CountQuery(query, NOW_NS)).num_rows,
    )
    for ask in asked:
        if refused:
            with pytest.raises(LimitExceeded, match="BELVEDERE_MAX_QUERY_LOG_BYTES"):
                ask()
        else:
            assert ask() >= 1
    assert own_metrics.LOG_QUERIES_OVER_BYTES._value.get() - before == (2 if refused else 0)
