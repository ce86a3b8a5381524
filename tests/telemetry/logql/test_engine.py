"""What the engine of the store does and what is done here give the same answer."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.logql.engine import LineRange, Lines, LogqlEngine
from telemetry.logql.errors import EvaluationError
from telemetry.logql.run import Options
from telemetry.model.cancellation import Cancellation
from telemetry.model.errors import LimitExceeded, QueryCancelled
from telemetry.model.labels import labels_from
from telemetry.store.queries import LogQuery
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


NAMES = st.sampled_from(["status", " status", "status ", "", " ", "took", "stat\\u0075s", "\\u0020status", "a"])
SCALARS = st.sampled_from(
    [
        "503",
        "200",
        "5e2",
        "-0",
        "499.99999999999994",
        "500.0",
        "12345678901234567890123",
        "1e999",
        "null",
        "true",
        "[500]",
    ]
    + [f'"{text}"' for text in ("504", "status", "x", "5\\u0030\\u0030", "a\tb", "\\ud800", "\\n")]
)


def spelled(pairs):
    return "{" + ", ".join(f'"{name}": {value}' for name, value in pairs) + "}"


objects = st.lists(st.tuples(NAMES, SCALARS), max_size=4).map(spelled)
nested = st.lists(st.tuples(NAMES, SCALARS | objects), max_size=4).map(spelled)
cut = st.tuples(nested, st.integers(1, 8)).map(lambda pair: pair[0][: -pair[1]])
padded = nested.map(lambda line: f" \t{line} and more")
plain = st.sampled_from(["status=500", "GET /status 503", "", "[1, 2]", '"status"', "no json at all", "\\u0073tatus"])
lines = st.lists(nested | cut | padded | plain, min_size=1, max_size=12)
metadata = st.sampled_from(["", '{"status":"503"}', '{" status ":"200"}', '{"other":"1"}', '{"":{"status":"503"}}'])
FILTERED = [
    "status >= 500",
    "status != 200",
    "status < 500 | took > 1",
    "(status > 200 and took >= 200) | status <= 503",
    "status > 1 or took > 1",
    "__error__ = `` | status >= 500",
]


def outcome(store, query, *, pushdown, instant):
    """The answer or the kind of error."""
    engine = LogqlEngine(store, Options(pushdown=pushdown))
    end = START + 200 * SECOND
    try:
        if instant:
            vector = engine.instant(query, end).value
            return dict(zip(vector.labels, vector.values[:, 0].tolist(), strict=True))
        value = engine.range(query, LineRange(START - SECOND, end, 100), SECOND).value
    except EvaluationError as error:
        return str(error).partition("(")[0]
    return [(entry.time_ns, entry.line, entry.label_set()) for entry in value.entries]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines, metadata, st.sampled_from(FILTERED), st.sampled_from(["count_over_time", "bytes_over_time", "rate"]))
def test_fields_of_any_text_are_found_by_the_engine_as_by_the_pipeline(store, bodies, attributes, filtered, function):
    store.clear()
    stream = labels_from({"service": "one", "env": "p"})
    records = [
        {"stream": stream, "t": START + n * SECOND, "body": body, "attributes": "" if n % 3 else attributes}
        for n, body in enumerate(bodies)
    ]
    store.write_logs(log_batch(records)).result(30)
    selector = f'{{env="p"}} | json | {filtered}'
    for query, instant in (
        (selector, False),
        (f"sum by (service) ({function}({selector} [200s]))", True),
        (f"sum by (service) ({function}({selector} | __error__=`` [200s]))", True),
    ):
        pushed = outcome(store, query, pushdown=True, instant=instant)
        looked_at = outcome(store, query, pushdown=False, instant=instant)
        assert pushed == looked_at, query


@pytest.mark.parametrize("function", ["count_over_time", "bytes_over_time"])
@pytest.mark.parametrize("shift_ns", [0, 1, -1, 17 * SECOND])
@pytest.mark.parametrize("grouping", ["", "by (app) "])
def test_whole_minutes_and_their_edges_are_counted_once(store, function, shift_ns, grouping):
    start = START - START % (60 * SECOND)
    streams = [labels_from({"app": app, "env": "p", "service": app}) for app in ("one", "two")]
    times = [start + minute * 60 * SECOND + off for minute in range(-1, 8) for off in (-1, 0, 1, 17 * SECOND)]
    store.write_logs(
        log_batch([{"stream": streams[n % 2], "t": at, "body": "x" * n} for n, at in enumerate(times)])
    ).result(30)
    query = f'sum {grouping}({function}({{env="p"}} [5m]))'
    end = start + 6 * 60 * SECOND + shift_ns
    found = []
    for pushdown in (True, False):
        engine = LogqlEngine(store, Options(pushdown=pushdown))
        one = engine.instant(query, end).value
        many = engine.range(query, LineRange(end, end + 120 * SECOND), 60 * SECOND).value
        found.append([dict(zip(v.labels, v.values.tolist(), strict=True)) for v in (one, many)])
    assert found[0] == found[1]
    assert found[0][0]


def test_minutes_forget_lines_that_were_deleted(filled):
    query = 'sum(count_over_time({env="p"}[10m]))'
    engine = LogqlEngine(filled, Options())
    at = START + 300 * SECOND
    assert engine.instant(query, at).value.values.tolist() == [[300.0]]
    filled.delete_logs(LogQuery(START, at, services=("one",)))
    assert engine.instant(query, at).value.values.tolist() == [[150.0]]


def test_a_query_ends_when_nobody_waits_for_it(filled):
    gone = Cancellation()
    engine = LogqlEngine(filled, Options(cancellation=gone))
    wanted = LineRange(START, START + 301 * SECOND)
    assert engine.range('{env="p"}', wanted, SECOND).value.entries
    gone.cancel()
    for query in ('{env="p"}', 'sum(count_over_time({env="p"} | json [5m]))'):
        with pytest.raises(QueryCancelled):
            engine.range(query, wanted, SECOND)
