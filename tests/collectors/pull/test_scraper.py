"""Real targets, the real store: what is scraped can be read again, and what ends is seen to end."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collectors.pull.discovery.files import FileTargets
from collectors.pull.discovery_config import FileDiscovery
from collectors.pull.scrape_loop import next_due_ms, place_ms
from collectors.pull.scraper import Scraper
from collectors.pull.targets import TOKEN_PURPOSE, stored_targets
from fleet.actions.targets import add_target, remove_target, switch_target
from fleet.models import Service, Target
from fleet.sealing import seal
from telemetry.model.labels import Matcher, MatchOp, label_value
from telemetry.model.samples import is_stale
from telemetry.model.time import TimeRange
from tests.collectors.web_server import reply

pytestmark = pytest.mark.django_db(transaction=True)

WAIT_SECONDS = 20.0


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def scraper(store, settings) -> Iterator[Scraper]:
    settings.SCRAPE_SECONDS, settings.SCRAPE_COMMIT = 1, 0.02
    running = Scraper(loopback=True, refresh_seconds=0.1)
    running.start()
    yield running
    assert running.stop(10)


class Read:
    """Everything stored of one metric: (labels, service, values with None for a staleness marker) by series."""

    def __init__(self, store, name: str) -> None:
        store.flush()
        everything = TimeRange(0, 4_000_000_000_000)
        series = store.select_series([[Matcher("__name__", MatchOp.EQUAL, name)]], everything)
        raw = store.read_samples(series, everything)
        stale = is_stale(raw.values)
        self.labels = [dict(labels) for labels in series.labels]
        self.services = list(series.services)
        self.values = [
            [None if stale[at] else float(raw.values[at]) for at in range(*raw.offsets[row : row + 2])]
            for row in range(len(series))
        ]
        self.times_ms = raw.timestamps_ms.tolist()

    @property
    def newest(self) -> float | None:
        return self.values[0][-1]

    def __len__(self) -> int:
        return len(self.values)


def test_a_target_is_scraped_with_its_labels_and_its_state_is_shown(scraper, store, serve) -> None:
    served = serve(lambda handler: reply(handler, b'requests_total{job="theirs"} 7\n'))
    service = Service.objects.create(name="shop")
    target = add_target(url=f"{served.url}/metrics", job="web", labels={"zone": "a"}, actor="test")
    Target.objects.filter(pk=target.pk).update(service=service)
    wait_for(lambda: Target.objects.get().up and len(Read(store, "up")))
    row, read = Target.objects.get(), Read(store, "requests_total")
    assert read.labels[0] == {
        "__name__": "requests_total", "instance": f"127.0.0.1:{served.port}", "job": "web", "zone": "a",
        "exported_job": "theirs",
    }  # fmt: skip
    assert (read.services, read.newest) == (["shop"], 7.0)
    assert (row.last_samples, row.last_error) == (1, "")
    assert row.last_scrape_at is not None
    assert 0 < row.last_duration_seconds < 10
    assert Read(store, "up").newest == 1.0
    headers = served.requests[0][1]
    assert headers["accept"].startswith("application/openmetrics-text;version=1.0.0")
    assert headers["x-prometheus-scrape-timeout-seconds"] == "1"
    assert headers["accept-encoding"] == "gzip"
    assert next(iter(scraper.states.values()))[0].row_id == target.pk


def test_series_end_with_the_page_and_everything_ends_with_the_target(scraper, store, serve) -> None:
    page = [b"a 1\nb 1\n"]
    served = serve(lambda handler: reply(handler, page[0]))
    target = add_target(url=f"{served.url}/metrics", job="web", actor="test")
    wait_for(lambda: len(Read(store, "b")))
    page[0] = b"a 1\n"
    wait_for(lambda: Read(store, "b").newest is None)
    assert Read(store, "a").newest == 1.0
    remove_target(target=target, actor="test")
    wait_for(lambda: Read(store, "a").newest is None and Read(store, "up").newest is None)
    assert scraper.states == {}


def test_a_paused_target_rests_and_goes_on(scraper, store, serve) -> None:
    served = serve(lambda handler: reply(handler, b"a 1\n"))
    target = add_target(url=f"{served.url}/metrics", job="web", actor="test")
    wait_for(lambda: len(Read(store, "a")))
    switch_target(target=target, enabled=False, actor="test")
    wait_for(lambda: Read(store, "a").newest is None)
    switch_target(target=target, enabled=True, actor="test")
    wait_for(lambda: Read(store, "a").newest == 1.0)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda handler: reply(handler, b"", status=500), "the server answered 500"),
        (lambda handler: reply(handler, b"", status=302, Location="/"), "a redirect, which is not followed"),
        (lambda handler: reply(handler, b"a 1\n<html>\n"), "line 2"),
        (lambda handler: reply(handler, b"a 1\n", Content_Type="application/openmetrics-text"), "# EOF"),
        (lambda handler: time.sleep(3), "no complete answer within 1 s"),
        (lambda handler: reply(handler, b"no gzip at all", Content_Encoding="gzip"), "broken gzip"),
    ],
)
def test_a_target_that_fails_is_down_with_the_reason(scraper, store, serve, answer, sentence: str) -> None:
    add_target(url=f"{serve(answer).url}/metrics", job="web", actor="test")
    wait_for(lambda: Target.objects.get().up is False)
    row = Target.objects.get()
    assert sentence in row.last_error
    wait_for(lambda: len(Read(store, "up")))
    assert (row.last_samples, Read(store, "up").newest) == (0, 0.0)


def test_series_end_when_the_target_fails_and_are_back_when_it_is(scraper, store, serve) -> None:
    status = [200]
    served = serve(lambda handler: reply(handler, b"a 1\n", status=status[0]))
    add_target(url=f"{served.url}/metrics", job="web", actor="test")
    wait_for(lambda: len(Read(store, "a")))
    status[0] = 503
    wait_for(lambda: Read(store, "a").newest is None and Read(store, "up").newest == 0.0)
    status[0] = 200
    wait_for(lambda: Read(store, "a").newest == 1.0 and Read(store, "up").newest == 1.0)


def test_one_page_over_the_limit_is_refused_whole(store, serve, settings) -> None:
    settings.SCRAPE_SECONDS = 1
    settings.INGEST = {**settings.INGEST, "max_samples": 10}
    served = serve(lambda handler: reply(handler, b"".join(b"m%d 1\n" % number for number in range(11))))
    add_target(url=f"{served.url}/metrics", job="web", actor="test")
    running = Scraper(loopback=True, refresh_seconds=0.1)
    running.start()
    try:
        wait_for(lambda: Target.objects.get().up is False)
        assert "over the limit of 10 (BELVEDERE_MAX_SAMPLES)" in Target.objects.get().last_error
        assert len(Read(store, "m0")) == 0
    finally:
        assert running.stop(10)


def test_a_target_on_this_machine_is_refused_where_that_is_not_allowed(store, serve, settings) -> None:
    settings.SCRAPE_SECONDS = 1
    served = serve(lambda handler: reply(handler, b"a 1\n"))
    add_target(url=f"{served.url}/metrics", job="web", actor="test")
    running = Scraper(refresh_seconds=0.1)
    running.start()
    try:
        wait_for(lambda: Target.objects.get().up is False)
        assert "this machine itself, which is not allowed here" in Target.objects.get().last_error
        assert served.requests == []
    finally:
        assert running.stop(10)


def test_a_bearer_token_is_opened_and_sent(scraper, serve) -> None:
    served = serve(lambda handler: reply(handler, b"a 1\n"))
    target = add_target(url=f"{served.url}/metrics", job="web", actor="test")
    Target.objects.filter(pk=target.pk).update(bearer_token=seal(b"open-sesame", TOKEN_PURPOSE))
    wait_for(lambda: any(headers.get("authorization") for _, headers in served.requests))
    assert served.requests[-1][1]["authorization"] == "Bearer open-sesame"
    assert "open-sesame" not in repr(stored_targets())


def test_a_bearer_token_that_cannot_be_opened_is_a_problem_and_nothing_is_sent(scraper, serve) -> None:
    served = serve(lambda handler: reply(handler, b"a 1\n"))
    Target.objects.create(url=f"{served.url}/metrics", job="web", bearer_token="not sealed")
    wait_for(lambda: Target.objects.get().up is False)
    assert "cannot be opened with the current signing key" in Target.objects.get().last_error
    assert served.requests == []


def test_targets_are_found_in_files_and_a_broken_file_keeps_its_former_targets(
    store, serve, settings, tmp_path: Path
) -> None:
    served = serve(lambda handler: reply(handler, b"a 1\n"))
    file = tmp_path / "targets.json"
    settings.SCRAPE_SECONDS, settings.FILE_SD = 1, [str(tmp_path / "*.json")]
    file.write_text(json.dumps([{"targets": [f"127.0.0.1:{served.port}"], "labels": {"job": "found"}}]))
    running = Scraper(loopback=True, refresh_seconds=0.1)
    running.start()
    try:
        wait_for(lambda: len(Read(store, "a")))
        assert Read(store, "a").labels[0]["job"] == "found"
        file.write_text("[{")
        count = len(served.requests)
        wait_for(lambda: len(served.requests) > count + 1)
        file.write_text("[]")
        wait_for(lambda: Read(store, "a").newest is None)
    finally:
        assert running.stop(10)


def test_a_broken_file_is_named_and_keeps_its_targets(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"targets": ["a:1"]}]')
    files = FileTargets(FileDiscovery((str(tmp_path / "*"),)))
    before = files.groups()
    assert [group.targets for group in before] == [({"__address__": "a:1"},)]
    (tmp_path / "a.json").write_text("{")
    assert files.groups() == before
    assert "it is broken" in files.problems[0]


def test_a_target_found_twice_is_scraped_once(store, serve, settings, tmp_path: Path) -> None:
    served = serve(lambda handler: reply(handler, b"a 1\n"))
    settings.SCRAPE_SECONDS, settings.FILE_SD = 1, [str(tmp_path / "*.json")]
    groups = [{"targets": [f"127.0.0.1:{served.port}"], "labels": {"job": "web"}}]
    (tmp_path / "a.json").write_text(json.dumps(groups))
    (tmp_path / "b.json").write_text(json.dumps(groups))
    add_target(url=f"{served.url}/metrics", job="web", actor="test")
    running = Scraper(loopback=True, refresh_seconds=0.1)
    running.start()
    try:
        wait_for(lambda: running.states)
        assert len(running.states) == 1
    finally:
        assert running.stop(10)


def test_samples_stand_at_even_distances(scraper, store, serve) -> None:
    served = serve(lambda handler: reply(handler, b"a 1\n"))
    add_target(url=f"{served.url}/metrics", job="web", actor="test")
    wait_for(lambda: len(Read(store, "a")) and len(Read(store, "a").times_ms) >= 3)
    distances = [
        later - earlier for earlier, later in zip(*(Read(store, "a").times_ms[at:] for at in (0, 1)), strict=False)
    ]
    assert all(distance % 1000 < 100 or distance % 1000 > 900 for distance in distances)


def test_places_spread_over_the_interval_and_stay() -> None:
    places = [place_ms(f"target {number}", 15_000) for number in range(1000)]
    assert places == [place_ms(f"target {number}", 15_000) for number in range(1000)]
    buckets = [sum(1 for place in places if place // 1000 == second) for second in range(15)]
    assert min(buckets) > 30
    assert max(buckets) < 110
    for now_ms in (0, 1, 14_999, 15_000, 1_700_000_000_123):
        due = next_due_ms(now_ms, "target 1", 15_000)
        assert now_ms <= due < now_ms + 15_000
        assert due % 15_000 == place_ms("target 1", 15_000)


def test_the_scraper_stops_at_once_while_a_target_hangs(store, serve, settings) -> None:
    settings.SCRAPE_SECONDS = 1
    served = serve(lambda handler: time.sleep(5))
    add_target(url=f"{served.url}/metrics", job="web", interval_seconds=60, actor="test")
    running = Scraper(loopback=True, refresh_seconds=0.1)
    running.start()
    assert running.alive()
    assert running.stop(3)
    assert not running.alive()
    assert running.stop(1)


def test_it_starts_again_after_it_was_stopped(store, serve, settings) -> None:
    settings.SCRAPE_SECONDS = 1
    served = serve(lambda handler: reply(handler, b"a 1\n"))
    add_target(url=f"{served.url}/metrics", job="web", actor="test")
    running = Scraper(loopback=True, refresh_seconds=0.1)
    for _ in range(2):
        count = len(served.requests)
        running.start()
        wait_for(lambda: len(served.requests) > count)  # noqa: B023
        assert running.stop(10)


def test_a_configured_network_that_is_none_stops_the_start(settings) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["10.0.0.1/8"]
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        Scraper().start()


def test_scraping_goes_on_while_there_is_no_store(serve, settings) -> None:
    settings.SCRAPE_SECONDS = 1
    served = serve(lambda handler: reply(handler, b"a 1\n"))
    add_target(url=f"{served.url}/metrics", job="web", actor="test")
    running = Scraper(loopback=True, refresh_seconds=0.1)
    running.start()
    try:
        wait_for(lambda: Target.objects.get().last_error)
        row = Target.objects.get()
        assert row.up is True
        assert row.last_error.startswith("not stored: telemetry is not open")
        wait_for(lambda: len(served.requests) >= 2)
    finally:
        assert running.stop(10)


@pytest.mark.peer
def test_a_real_node_exporter_is_scraped_whole(scraper, store, tmp_path: Path) -> None:
    folder = os.environ.get("BELVEDERE_TEST_PEERS", "")
    program = shutil.which("prometheus-node-exporter", path=os.pathsep.join([folder, os.environ.get("PATH", "")]))
    if program is None:
        pytest.skip("prometheus-node-exporter is neither on the PATH nor in BELVEDERE_TEST_PEERS")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [program, f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        add_target(url=f"http://127.0.0.1:{port}/metrics", job="node", actor="test")
        wait_for(lambda: Target.objects.get().up)
        read = Read(store, "node_cpu_seconds_total")
        assert len(read) >= 8
        assert all(
            label_value(tuple(sorted(labels.items())), "instance") == f"127.0.0.1:{port}" for labels in read.labels
        )
        assert Target.objects.get().last_samples > 300
        assert Read(store, "scrape_samples_scraped").newest == Target.objects.get().last_samples
        metadata = {each.metric: each.type for each in store.metric_metadata()}
        assert metadata["node_cpu_seconds_total"] == "counter"
    finally:
        process.terminate()
        process.wait()
    wait_for(lambda: Target.objects.get().up is False)
    assert Read(store, "node_cpu_seconds_total").newest is None
