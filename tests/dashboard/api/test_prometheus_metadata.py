"""Series, labels, metadata, targets and build information of the Prometheus API."""

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.api.prometheus.label_escapes import unescaped
from fleet.models import ScrapeSnapshot, Target
from fleet.scrape_states import DroppedTarget, JobState, TargetState, packed
from fleet.tokens import create_token
from telemetry.model.samples import MetricMetadata
from tests.telemetry.batches import NOW_MS, sample_batch, series

pytestmark = pytest.mark.django_db

UP_A = series("up", job="api", zone="a")
UP_B = series("up", job="api", zone="b")
DOTTED = series("http.status", **{"http.code": "200"})


@pytest.fixture
def reader() -> Client:
    _, text = create_token(name="test", scopes=("query",), actor="system")
    return Client(headers={"authorization": f"Bearer {text}"})


@pytest.fixture(autouse=True)
def _loaded(store) -> None:
    metadata = [MetricMetadata("up", "gauge", "Whether it is.", "")]
    samples = {labels: [(NOW_MS, 1.0)] for labels in (UP_A, UP_B, DOTTED)}
    store.write_samples(sample_batch(samples, metadata=metadata)).result(30)


def test_series_are_listed_with_all_their_labels(reader) -> None:
    body = reader.get("/api/v1/series", {"match[]": 'up{zone="a"}'}).json()
    assert body == {"status": "success", "data": [dict(UP_A)]}


def test_several_selectors_are_joined(reader) -> None:
    body = reader.get("/api/v1/series", {"match[]": ['up{zone="a"}', '{"http.status"}', "up"]}).json()
    assert sorted(labels["__name__"] for labels in body["data"]) == ["http.status", "up", "up"]


def test_selectors_may_come_as_a_form(reader) -> None:
    assert len(reader.post("/api/v1/series", {"match[]": "up"}).json()["data"]) == 2


def test_series_need_a_selector(reader) -> None:
    response = reader.get("/api/v1/series")
    assert (response.status_code, response.json()["error"]) == (400, "no match[] parameter provided")


def test_a_broken_selector_is_named(reader) -> None:
    response = reader.get("/api/v1/series", {"match[]": "up{"})
    assert response.status_code == 400
    assert response.json()["error"].startswith('invalid parameter "match[]": 1:4: parse error')


def test_series_outside_the_time_range_are_left_out(reader) -> None:
    long_ago = {"match[]": "up", "start": "1000000000", "end": "1000003600"}
    assert reader.get("/api/v1/series", long_ago).json()["data"] == []


def test_label_names_are_sorted(reader) -> None:
    assert reader.get("/api/v1/labels").json()["data"] == ["__name__", "http.code", "job", "zone"]
    assert reader.get("/api/v1/labels", {"match[]": "up"}).json()["data"] == ["__name__", "job", "zone"]


def test_label_values_are_sorted_and_cut(reader) -> None:
    assert reader.get("/api/v1/label/zone/values").json()["data"] == ["a", "b"]
    body = reader.get("/api/v1/label/zone/values", {"limit": "1"}).json()
    assert body == {"status": "success", "data": ["a"], "warnings": ["results truncated due to limit"]}


def test_label_names_that_are_not_plain_may_be_escaped(reader) -> None:
    assert reader.get("/api/v1/label/U__http_2e_code/values").json()["data"] == ["200"]
    assert reader.get("/api/v1/label/http.code/values").json()["data"] == ["200"]


@pytest.mark.parametrize(
    ("escaped", "name"),
    [("zone", "zone"), ("U__a__b", "a_b"), ("U__a_2E_b", "a.b"), ("U__a_zz_b", "U__a_zz_b"), ("U__a_", "U__a_")],
)
def test_escapes_are_undone_where_they_are_escapes(escaped: str, name: str) -> None:
    assert unescaped(escaped) == name


def test_metadata_is_listed_by_metric(reader) -> None:
    entry = {"type": "gauge", "help": "Whether it is.", "unit": ""}
    assert reader.get("/api/v1/metadata").json()["data"] == {"up": [entry]}
    assert reader.get("/api/v1/metadata", {"metric": "up"}).json()["data"] == {"up": [entry]}
    assert reader.get("/api/v1/metadata", {"metric": "down"}).json()["data"] == {}


def test_targets_are_listed_with_their_last_state(reader) -> None:
    Target.objects.create(job="api", url="http://api:8080/metrics", labels={"zone": "a"}, up=True)
    Target.objects.create(job="old", url="http://old:8080/metrics", enabled=False)
    data = reader.get("/api/v1/targets").json()["data"]
    (target,) = data["activeTargets"]
    assert target["labels"] == {"instance": "api:8080", "job": "api", "zone": "a"}
    assert (target["health"], target["scrapePool"]) == ("up", "api")
    assert data["droppedTargets"] == []


def test_build_information_names_the_version_of_the_language(reader) -> None:
    data = reader.get("/api/v1/status/buildinfo").json()["data"]
    assert data["version"] == "3.5.3"


def test_targets_of_jobs_are_told_with_their_labels_and_their_pool(reader) -> None:
    active = TargetState("http://a:1/m", {"job": "j"}, {"__address__": "a:1"}, 15_000, 10_000, up=False, error="gone")
    content = packed(JobState([active], [DroppedTarget({"__address__": "b:1"}, "why")]))
    ScrapeSnapshot.objects.create(job="j", worker="w", at=timezone.now(), active=1, dropped=5, content=content)
    data = reader.get("/api/v1/targets").json()["data"]
    (target,) = data["activeTargets"]
    assert (target["labels"], target["discoveredLabels"]) == ({"job": "j"}, {"__address__": "a:1"})
    assert (target["health"], target["lastError"], target["scrapeInterval"]) == ("down", "gone", "15s")
    assert data["droppedTargets"] == [{"discoveredLabels": {"__address__": "b:1"}, "scrapePool": "j"}]
    assert data["droppedTargetCounts"] == {"j": 5}
    only_active = reader.get("/api/v1/targets", {"state": "active"}).json()["data"]
    assert (len(only_active["activeTargets"]), only_active["droppedTargets"]) == (1, [])
    assert reader.get("/api/v1/targets", {"scrapePool": "other"}).json()["data"]["activeTargets"] == []
