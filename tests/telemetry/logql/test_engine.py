"""What the engine of the store does and what is done here give the same answer."""

import pytest

from telemetry.logql.engine import LineRange, Lines, LogqlEngine
from telemetry.logql.errors import EvaluationError
from telemetry.logql.run import Options
from telemetry.model.errors import LimitExceeded
from telemetry.model.labels import labels_from
from tests.telemetry.batches import NOW_MS, log_batch

SECOND = 10**9
START = NOW_MS * 1_000_000 - 600 * SECOND
LINES = [
    '{"status": 200, "path": "/a", "took": 1.5}',
    '{"status": 503, "path": "/b", "took": 20, "nested": {"status": 1}}',
    '{"status": "504", "error": "Timeout waiting"}',
    '{"other": true}',
    'level=info status=500 msg="plain text"',
    "10.0.0.7 - GET /healthz HTTP/1.1 502",
]
QUERIES = [
    'count_over_time({env="p"}[2m])',
    'sum by (app) (rate({env="p"} |= "status" [1m]))',
    'sum(bytes_over_time({env="p"} != "GET" [90s]))',
    'count_over_time({env="p"} |~ "5[0-9]{2}" [1m] offset 30s)',
    'sum by (app) (count_over_time({env="p"} |= "/a" or "/b" [1m]))',
    'sum by (app) (count_over_time({env="p"} | json | __error__="" | status >= 500 [2m]))',
    'sum by (status) (count_over_time({app="one"} |= "{" | json | status < 400 and took > 1 [5m]))',
]


@pytest.fixture
def filled(store):
    streams = [labels_from({"app": app, "env": "p", "service": app}) for app in ("one", "two")]
    records = [
        {"stream": streams[n % 2], "t": START + n * SECOND, "body": LINES[n % len(LINES)]}
        | ({"attributes": f'{{"trace": "x{n % 2}"}}'} if n % 5 == 0 else {})
        for n in range(300)
    ]
    store.write_logs(log_batch(records)).result(30)
    return store


def answer(store, query, *, pushdown):
    engine = LogqlEngine(store, Options(pushdown=pushdown))
    result = engine.range(query, LineRange(START + 60 * SECOND, START + 300 * SECOND), 45 * SECOND)
    vector = result.value
    return {
        labels: [value if here else None for value, here in zip(row, mask, strict=True)]
        for labels, row, mask in zip(vector.labels, vector.values.tolist(), vector.present.tolist(), strict=True)
    }


@pytest.mark.parametrize("query", QUERIES)
def test_both_ways_give_the_same_answer(filled, query):
    pushed, looked_at = answer(filled, query, pushdown=True), answer(filled, query, pushdown=False)
    assert pushed.keys() == looked_at.keys()
    assert pushed
    for labels, values in pushed.items():
        assert values == pytest.approx(looked_at[labels])


@pytest.mark.parametrize("pushdown", [True, False])
@pytest.mark.parametrize("backward", [True, False])
def test_a_limit_takes_the_first_lines_of_the_direction(filled, pushdown, backward):
    engine = LogqlEngine(filled, Options(pushdown=pushdown))
    wanted = LineRange(START, START + 301 * SECOND, 7, backward)
    value = engine.range('{env="p"} |= "status"', wanted, SECOND).value
    assert isinstance(value, Lines)
    times = [(entry.time_ns - START) // SECOND for entry in value.entries]
    all_times = [n for n in range(300) if "status" in LINES[n % len(LINES)]]
    assert times == (all_times[::-1] if backward else all_times)[:7]


def test_the_beginning_of_a_window_is_out_and_its_end_is_in(filled):
    engine = LogqlEngine(filled, Options())
    result = engine.instant('sum(count_over_time({env="p"}[10s]))', START + 20 * SECOND)
    assert result.value.values.tolist() == [[10.0]]


def test_lines_are_no_answer_at_one_time(filled):
    with pytest.raises(EvaluationError, match="log queries are not supported as an instant query type"):
        LogqlEngine(filled, Options()).instant('{env="p"}', START)


def test_a_limit_over_the_setting_is_refused_with_its_name(filled):
    with pytest.raises(LimitExceeded, match=r"limit > max_entries_limit \(10 > 5\).*BELVEDERE_MAX_QUERY_LOG_ENTRIES"):
        LogqlEngine(filled, Options(max_entries=5)).range('{env="p"}', LineRange(START, START + SECOND, 10), SECOND)
