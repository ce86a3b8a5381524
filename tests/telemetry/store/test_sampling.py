"""Sampling leaves out what a rule names and nothing else, the same records each time."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.model.errors import InvalidInput
from telemetry.store.log_rules import LogRules
from telemetry.store.own_metrics import SAMPLED
from telemetry.store.queries import LogQuery
from telemetry.store.sampling import Sampling, SamplingRule
from tests.telemetry.batches import NOW_MS, log_batch

LINES = 4000


def send(store, service, lines, severity=9):
    stream = (("service", service),)
    records = [
        {"stream": stream, "t": NOW_MS * 10**6 - n, "body": line, "severity": severity} for n, line in enumerate(lines)
    ]
    return store.write_logs(log_batch(records)).result(30)


def kept(store, service):
    records = store.search_logs(LogQuery(0, NOW_MS * 10**6, services=(service,), limit=10 * LINES))
    return sorted(record.body for record in records)


@pytest.fixture
def sampling(store):
    def set_rules(*rules):
        store.log_rules = lambda: LogRules(sampling=Sampling(rules))

    yield set_rules
    store.log_rules = LogRules


def test_about_the_wanted_share_of_one_service_stays_and_all_of_the_others(store, sampling):
    sampling(SamplingRule("noisy", 10))
    lines = [f"request {n}" for n in range(LINES)]
    dropped = SAMPLED.labels("noisy", "dropped")._value.get()
    assert send(store, "noisy", lines).accepted == LINES
    send(store, "calm", lines)
    stay = kept(store, "noisy")
    assert 300 < len(stay) < 500
    assert SAMPLED.labels("noisy", "dropped")._value.get() - dropped == LINES - len(stay)
    assert len(kept(store, "calm")) == LINES
    send(store, "noisy", lines)
    assert kept(store, "noisy") == sorted(stay * 2)


def test_errors_stay_unless_the_rule_names_them(store, sampling):
    lines = [f"boom {n}" for n in range(200)]
    sampling(SamplingRule("api", 50))
    send(store, "api", lines, severity=17)
    assert len(kept(store, "api")) == 200
    sampling(SamplingRule("api", 50, severity_max=255))
    send(store, "api", [f"again {line}" for line in lines], severity=17)
    assert len(kept(store, "api")) < 240


def test_a_pattern_narrows_a_rule_and_the_first_rule_counts(store, sampling):
    sampling(SamplingRule("api", 1000, pattern="^GET /healthz"), SamplingRule("api", 2))
    send(store, "api", [*(f"GET /healthz {n}" for n in range(200)), *(f"POST /pay {n}" for n in range(200))])
    stay = kept(store, "api")
    assert sum("healthz" in line for line in stay) < 10
    assert 60 < sum("pay" in line for line in stay) < 140


@given(st.lists(st.text(max_size=20), min_size=1, max_size=30), st.integers(2, 9))
def test_records_decide_for_themselves_whoever_travels_with_them(lines, one_in):
    columns = {"severity_number": [9] * len(lines), "body": lines}
    times = np.arange(len(lines), dtype=np.int64) * 1_000_003
    whole = decide(columns, times, one_in)
    alone = [
        decide({name: [column[at]] for name, column in columns.items()}, times[at : at + 1], one_in)[0]
        for at in range(len(lines))
    ]
    assert whole.tolist() == alone


def decide(columns, times, one_in):
    table = pa.table({**columns, "timestamp": pa.array(times, pa.timestamp("ns", "UTC"))})
    return Sampling([SamplingRule("api", one_in)]).kept(["api"], np.zeros(len(times), np.int32), table)


def test_a_rule_that_keeps_all_or_cannot_be_read_is_refused():
    with pytest.raises(InvalidInput, match="the least is 2"):
        Sampling([SamplingRule("api", 1)])
    with pytest.raises(InvalidInput, match="is not understood"):
        Sampling([SamplingRule("api", 2, pattern="(?=a)")])
