import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from telemetry.model.errors import InvalidInput, LimitExceeded
from telemetry.model.labels import Matcher, MatchOp, label_value, labels_from
from telemetry.model.time import TimeRange
from tests.telemetry.batches import NOW_MS, sample_batch, series

HOUR = TimeRange(NOW_MS - 3_600_000, NOW_MS)
EVER = TimeRange(0, NOW_MS)
DAY_MS = 86_400_000

FLEET = [
    series("up", job="api", instance="a:1"),
    series("up", job="api", instance="b:1"),
    series("up", job="db"),
    series("http_requests_total", job="api", code="200", path="/a b"),
    series("http_requests_total", job="api", code="500", path="/a\nb"),
    series("http_requests_total", code="404", path="été"),
    series("Älter.als/alles", job="x", path="it's"),
    series("z", job="\t", path="\\"),
]


def write(store, *labels, at=NOW_MS):
    store.write_samples(sample_batch({pairs: [(at, 1.0)] for pairs in labels})).result(30)


def one(name, op, value):
    return [[Matcher(name, MatchOp(op), value)]]


@pytest.fixture
def fleet(store):
    write(store, *FLEET)
    return store


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        ([], range(8)),
        ([[]], range(8)),
        (one("__name__", "=", "up"), [0, 1, 2]),
        (one("__name__", "=~", "http_.*|z"), [3, 4, 5, 7]),
        (one("__name__", "=~", "http"), []),
        (one("__name__", "!=", "up"), [3, 4, 5, 6, 7]),
        (one("job", "=", ""), [5]),
        (one("job", "!=", ""), [0, 1, 2, 3, 4, 6, 7]),
        (one("job", "=~", ".*"), range(8)),
        (one("job", "=~", ".+"), [0, 1, 2, 3, 4, 6, 7]),
        (one("job", "!~", "api|db"), [5, 6, 7]),
        (one("absent", "=", ""), range(8)),
        (one("absent", "!=", ""), []),
        (one("absent", "!~", "x"), range(8)),
        (one("path", "=~", "/a.b"), [3, 4]),
        (one("path", "=", "\\"), [7]),
        (one("code", "=~", "5.."), [4]),
        ([*one("job", "=", "db"), *one("code", "=", "404")], [2, 5]),
        ([[Matcher("job", MatchOp.EQUAL, "api"), Matcher("code", MatchOp.NOT_EQUAL, "200")]], [0, 1, 4]),
    ],
)
def test_series_are_selected_by_matchers(fleet, selectors, expected):
    assert fleet.select_series(selectors, HOUR).labels == sorted(FLEET[index] for index in expected)


@pytest.fixture
def fleet_once(open_store, server_store, request):
    """Stores filled once for all examples of a property."""
    for found in (open_store, server_store):
        found.clear()
        write(found, *FLEET)
    return open_store, server_store


texts = st.one_of(
    st.sampled_from(
        ["", "api", "up", "job", "a", "5", "/a\nb", "été", "it's", "\\", "\t", "\x00", "{p0:String}", "%s"]
    ),
    st.text(max_size=6),
)
patterns = st.one_of(
    st.sampled_from(
        ["", ".*", ".+", "api|db", "5..", "(?i)API", "/a.b", "[^a]+", "é?té", r"\\", "^up$", "a{0,2}", r"\t", "'"]
    ),
    texts,
)
names = st.sampled_from(["__name__", "job", "code", "path", "instance", "absent", "'", "\\"])


@st.composite
def matchers(draw):
    op = draw(st.sampled_from(list(MatchOp)))
    value = draw(patterns if op in (MatchOp.REGEX, MatchOp.NOT_REGEX) else texts)
    try:
        return Matcher(draw(names), op, value)
    except InvalidInput:
        return Matcher(draw(names), MatchOp.EQUAL, value)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(matcher=matchers())
@example(matcher=Matcher("job", MatchOp.EQUAL, "'; DROP TABLE series; --"))
@example(matcher=Matcher("path", MatchOp.REGEX, "(?s).*"))
@example(matcher=Matcher("job", MatchOp.NOT_REGEX, ""))
@example(matcher=Matcher("job", MatchOp.REGEX, "$"))
def test_a_matcher_in_python_equals_the_matcher_in_sql(fleet_once, matcher):
    expected = sorted(labels for labels in FLEET if matcher.matches(label_value(labels, matcher.name)))
    for store in fleet_once:
        assert store.select_series([[matcher]], HOUR).labels == expected


def test_more_series_than_the_limit_are_refused_by_name(fleet):
    with pytest.raises(LimitExceeded, match=r"more than 3 series \(BELVEDERE_MAX_QUERY_SERIES\)") as caught:
        fleet.select_series([], HOUR, limit=3)
    assert caught.value.limit_name == "BELVEDERE_MAX_QUERY_SERIES"
    assert len(fleet.select_series([], HOUR, limit=8)) == 8


def test_series_without_a_sample_near_the_range_are_left_out(store):
    old, new = series("up", job="old"), series("up", job="new")
    write(store, old, at=NOW_MS - 30 * DAY_MS)
    write(store, new)
    assert store.select_series([], HOUR).labels == [new]
    assert store.select_series([], TimeRange(NOW_MS - 31 * DAY_MS, NOW_MS - 29 * DAY_MS)).labels == [old]
    assert store.select_series([], EVER).labels == [new, old]


def test_a_series_that_reaches_further_back_is_found_there(store):
    labels = series("up")
    write(store, labels)
    write(store, labels, at=NOW_MS - 10 * DAY_MS)
    assert store.select_series([], TimeRange(NOW_MS - 11 * DAY_MS, NOW_MS - 9 * DAY_MS)).labels == [labels]


def test_a_series_that_goes_on_is_found_later(store):
    labels = series("up")
    for hours in range(30, -1, -1):
        write(store, labels, at=NOW_MS - hours * 3_600_000)
    assert store.select_series([], HOUR).labels == [labels]


def test_label_names_and_values_are_sorted_and_bounded(fleet):
    assert fleet.label_names([], HOUR) == ["__name__", "code", "instance", "job", "path"]
    assert fleet.label_names(one("__name__", "=", "up"), HOUR) == ["__name__", "instance", "job"]
    assert fleet.label_names([], HOUR, limit=2) == ["__name__", "code"]
    assert fleet.label_values("code", [], HOUR) == ["200", "404", "500"]
    assert fleet.label_values("code", [], HOUR, limit=1) == ["200"]
    assert fleet.label_values("__name__", one("job", "=", "db"), HOUR) == ["up"]
    assert fleet.label_values("absent", [], HOUR) == []
    assert fleet.label_names([], TimeRange(0, 1)) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=texts)
def test_no_label_name_breaks_out_of_its_parameter(fleet_once, name):
    expected = sorted({value for labels in FLEET if (value := label_value(labels, name))})
    for store in fleet_once:
        assert store.label_values(name, [], HOUR) == expected


def test_nothing_is_selected_from_an_empty_store(store):
    found = store.select_series([], HOUR)
    assert (len(found), found.ids.tolist(), found.rows.tolist(), found.labels) == (0, [], [], [])
    assert store.label_names([], HOUR) == []


def test_ids_point_at_their_rows(fleet):
    found = fleet.select_series([], HOUR)
    assert found.rows.tolist() == list(range(8))
    assert found.services[found.labels.index(labels_from(FLEET[5]))] == "unmapped"


@pytest.mark.parametrize("op", ["=", "!=", "=~", "!~"])
@pytest.mark.parametrize(("name", "value"), [("job", "\udcff"), ("\udcff", "x")])
def test_text_that_is_not_utf8_is_refused_before_the_engine_sees_it(fleet, name, op, value):
    with pytest.raises(InvalidInput, match="is not UTF-8"):
        fleet.select_series(one(name, op, value), HOUR, limit=10)
