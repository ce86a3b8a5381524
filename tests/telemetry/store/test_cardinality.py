from telemetry.store.cardinality import DAY_MS, HOUR_MS, CardinalityQuery, Grouping
from tests.telemetry.batches import NOW_MS, sample_batch, series


def fill(store):
    samples = {
        series("http_requests_total", job="api", code=str(code)): [(NOW_MS - 1000, 1.0), (NOW_MS, 2.0)]
        for code in (200, 404, 500)
    }
    samples[series("up", job="db")] = [(NOW_MS - 8 * DAY_MS, 1.0)]
    store.write_samples(sample_batch(samples)).result(30)


def rows(store, grouping, **narrowed):
    found, _ = store.cardinality(CardinalityQuery(grouping, NOW_MS, **narrowed))
    return {row.name: row for row in found}


def test_series_are_counted_by_metric_with_their_growth_and_samples(store):
    fill(store)
    found = rows(store, Grouping.METRIC)
    assert list(found) == ["http_requests_total", "up"]
    http, up = found.values()
    assert (http.series, http.active, http.new_day, http.new_month, http.samples_day) == (3, 3, 3, 3, 6)
    assert (up.series, up.active, up.new_day, up.new_week, up.new_month, up.samples_day) == (1, 0, 0, 0, 1, 0)


def test_labels_tell_how_many_values_they_have(store):
    fill(store)
    found = rows(store, Grouping.LABEL)
    assert {name: (row.series, row.values) for name, row in found.items()} == {
        "__name__": (4, 2),
        "job": (4, 2),
        "code": (3, 3),
    }


def test_values_of_one_label_are_counted_among_the_series_that_have_it(store):
    fill(store)
    found = rows(store, Grouping.VALUE, label="code")
    assert {name: row.series for name, row in found.items()} == {"200": 1, "404": 1, "500": 1}


def test_services_can_be_narrowed_down_to(store):
    fill(store)
    assert {name: row.series for name, row in rows(store, Grouping.SERVICE).items()} == {"api": 3, "db": 1}
    assert set(rows(store, Grouping.METRIC, service="db")) == {"up"}
    assert set(rows(store, Grouping.SERVICE, metric="up")) == {"db"}


def test_totals_count_a_series_once(store):
    fill(store)
    _, totals = store.cardinality(CardinalityQuery(Grouping.LABEL, NOW_MS))
    assert (totals.series, totals.active, totals.new_day, totals.samples_day) == (4, 3, 3, 6)


def test_churn_is_counted_by_the_hour(store):
    fill(store)
    this_hour = NOW_MS // HOUR_MS * HOUR_MS
    hours = [this_hour - HOUR_MS, this_hour, this_hour + HOUR_MS]
    counts = store.new_series_per_hour(CardinalityQuery(Grouping.METRIC, NOW_MS), hours)
    assert counts.sum() == 3


def test_names_are_data_and_not_sql(store):
    fill(store)
    assert rows(store, Grouping.VALUE, label="'; DROP TABLE series; --") == {}
    assert rows(store, Grouping.METRIC, metric="'", service="`") == {}
    assert len(rows(store, Grouping.METRIC)) == 2
