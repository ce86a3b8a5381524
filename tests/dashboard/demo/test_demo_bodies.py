"""What the simulated fleet sends is understood by the receivers' own decoders, sample for sample and line for line."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.wire.compression import snappy_block
from collectors.wire.focus import decode_focus
from collectors.wire.limits import DecodeLimits
from collectors.wire.loki_push import decode_loki_push_json
from collectors.wire.otlp_logs_json import decode_otlp_logs_json
from collectors.wire.remote_write import decode_write_request
from dashboard.demo.audits import PACKAGES, pip_audit_report
from dashboard.demo.bills import focus_file
from dashboard.demo.blocks import SeriesBlock
from dashboard.demo.chunks import make_chunk, ticks
from dashboard.demo.fleet import simulated_services
from dashboard.demo.log_bodies import loki_requests, otlp_requests
from dashboard.demo.log_lines import log_lines
from dashboard.demo.remote_write import requests_of, varint
from dashboard.demo.simulation import Simulation
from dashboard.demo.story import DAY, HOUR, MINUTE, Story
from fleet.pip_audit_report import read_report
from telemetry.model.samples import STALE_NAN

START = 1_794_096_000_000
LIMITS = DecodeLimits()
CASES = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "advisories" / "pypa" / "all.zip"


def simulation(services: int = 4, days: int = 3) -> Simulation:
    return Simulation(Story(7, START, days), simulated_services(services, 7))


times = st.lists(st.integers(1 << 35, (1 << 42) - 1), min_size=1, max_size=50)


@given(times, st.data(), st.integers(1, 60))
def test_remote_write_is_decoded_to_the_same_samples(moments: list[int], data: st.DataObject, most: int) -> None:
    values = data.draw(st.lists(st.floats(), min_size=len(moments), max_size=len(moments)))
    values[-1] = STALE_NAN
    block = SeriesBlock((("__name__", "up"), ("job", "ü" * 90)), np.array(moments), np.array(values))
    bodies = list(requests_of([block, block], most_samples=most))
    assert sum(count for _, count in bodies) == 2 * len(moments)
    decoded = [decode_write_request(snappy_block(body, LIMITS), LIMITS).batch for body, _ in bodies]
    found_times = np.concatenate([batch.timestamps_ms for batch in decoded])
    found_values = np.concatenate([batch.values for batch in decoded])
    np.testing.assert_array_equal(found_times, np.tile(block.times_ms, 2))
    np.testing.assert_array_equal(found_values.view(np.uint64), np.tile(block.values, 2).view(np.uint64))
    assert {batch.decode_key(key) for batch in decoded for key in batch.keys} == {block.labels}


@pytest.mark.parametrize(("number", "encoded"), [(0, b"\0"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02")])
def test_varints_are_base_128(number: int, encoded: bytes) -> None:
    assert varint(number) == encoded


def test_a_time_that_takes_another_length_is_refused() -> None:
    block = SeriesBlock((("__name__", "up"),), np.array([5]), np.array([1.0]))
    with pytest.raises(ValueError, match="between 1971 and 2109"):
        list(requests_of([block]))


def test_logs_arrive_whole_by_both_protocols() -> None:
    subject = simulation()
    streams: dict[str, list[Any]] = {"loki": [], "otlp": []}
    for chunk in subject.advance(ticks(START, START + 2 * DAY, MINUTE), MINUTE):
        lines = log_lines(subject.story, chunk, MINUTE)
        assert [line.timestamp_ns for line in lines] == sorted(line.timestamp_ns for line in lines)
        assert all(START * 10**6 <= line.timestamp_ns <= (START + 2 * DAY) * 10**6 for line in lines)
        streams[chunk.workload.service.sender].append((chunk.workload, lines))
    sent = {name: [line for _, lines in parts for line in lines] for name, parts in streams.items()}
    loki = [decode_loki_push_json(body, LIMITS, received_ns=0) for body, _ in loki_requests(streams["loki"])]
    otlp = [decode_otlp_logs_json(body, LIMITS, received_ns=0) for body, _ in otlp_requests(streams["otlp"])]
    for name, decoded in (("loki", loki), ("otlp", otlp)):
        assert not [refusal for part in decoded for refusal in part.refusals]
        found = sorted(at for part in decoded for at in part.batch.timestamps_ns.tolist())
        assert found == sorted(line.timestamp_ns for line in sent[name])
    body = json.loads(loki[0].batch.bodies[0])
    assert {"event", "level", "timestamp", "logger", "request_id"} <= body.keys()
    errors = [line for line in sent["otlp"] if line.event == "price could not be computed"]
    assert len(errors) > 100
    assert "TypeError" in errors[0].fields["exception"]


def test_a_chunk_holds_what_happened_in_it_and_nothing_of_its_neighbours() -> None:
    subject = simulation()
    first = make_chunk(subject, START, START + DAY, MINUTE)
    second = make_chunk(subject, START + DAY, START + DAY + 6 * HOUR, MINUTE)
    for chunk, begin, end in ((first, START, START + DAY), (second, START + DAY, START + DAY + 6 * HOUR)):
        batches = [decode_write_request(snappy_block(post.body, LIMITS), LIMITS).batch for post in chunk.metrics]
        moments = np.concatenate([batch.timestamps_ms for batch in batches])
        assert begin < moments.min()
        assert moments.max() == end
        assert len(moments) == chunk.samples
    assert make_chunk(subject, START, START + 5, MINUTE).metrics == []


def test_reports_are_what_pip_audit_writes_and_production_has_more_problems() -> None:
    counts = dict.fromkeys(("production", "staging"), 0)
    for service in simulated_services(24, 7):
        for environment in counts:
            rows = read_report(pip_audit_report(service, environment, 7)).components
            assert len(rows) > 5
            counts[environment] += sum(len(row.problems) for row in rows)
    assert counts["production"] > 2 * counts["staging"] > 0


@pytest.mark.skipif(
    not CASES.exists(), reason="the advisories of the Python Packaging Authority are not on this machine"
)
def test_every_problem_is_a_published_one_of_that_version() -> None:
    import zipfile

    with zipfile.ZipFile(CASES) as archive:
        wanted = {problem.id: (package, problem) for package in PACKAGES for problem in package.problems}
        found = {
            advisory["id"]: advisory
            for name in archive.namelist()
            if name.endswith(".json") and (advisory := json.loads(archive.read(name)))["id"] in wanted
        }
    assert found.keys() == wanted.keys()
    for id_, (package, problem) in wanted.items():
        (affected,) = [part for part in found[id_]["affected"] if part["package"]["name"].lower() == package.name]
        assert package.old in affected["versions"]
        assert package.new not in affected["versions"]
        assert set(problem.aliases) == set(found[id_]["aliases"])
        fixes = {event["fixed"] for part in affected["ranges"] for event in part["events"] if "fixed" in event}
        assert set(problem.fix_versions) <= fixes


def test_the_bill_is_a_focus_file_of_every_day_with_credits_and_charges_without_tags() -> None:
    subject = simulation()
    for day in range(2):
        make_chunk(subject, START + day * DAY, START + (day + 1) * DAY, MINUTE)
    days = range(START // DAY, START // DAY + 2)
    body = focus_file(subject, days)
    assert body == focus_file(subject, days)
    charges = decode_focus(body, LIMITS, max_charges=10_000)
    assert charges.notices == ()
    rows = charges.table.to_pylist()
    assert {row["charge_period_start"].timestamp() * 1000 // DAY for row in rows} == set(days)
    assert any(row["billed_cost"] < 0 for row in rows)
    assert any(not row["tags"] for row in rows)
    hours = sum(workload.replica_hours[days[0]] for workload in subject.workloads)
    assert hours > 24 * len(subject.workloads)
    assert sum(row["billed_cost"] for row in rows) > Decimal(1)
