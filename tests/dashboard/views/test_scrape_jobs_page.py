"""The pages of scrape jobs: what is found, what is dropped and why, thousands of targets by the page."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.actions.scrape_jobs import put_job, write_snapshots
from fleet.models import AuditEvent, ScrapeJob, ScrapeSnapshot
from fleet.scrape_states import DroppedTarget, JobState, TargetState, packed
from tests.dashboard.people import client_with_role

pytestmark = pytest.mark.django_db


def snapshot(job: str, count: int, *, worker: str = "w1") -> ScrapeSnapshot:
    active = [
        TargetState(
            url=f"http://10.0.0.{number}:9100/metrics",
            labels={"job": job, "instance": f"host{number}"},
            discovered={"__address__": f"10.0.0.{number}:9100", "__meta_zone": "a"},
            interval_ms=15_000,
            timeout_ms=10_000,
            up=number != 7,
            error="the server answered 503" if number == 7 else "",
            at_ms=1_760_000_000_000,
            samples=700,
            series=700,
        )
        for number in range(count)
    ]
    dropped = [DroppedTarget({"__address__": "10.9.9.9:80"}, "relabel rule 1 keeps only targets whose x matches 'y'")]
    state = JobState(active, dropped, ["consul is not there"])
    return ScrapeSnapshot(
        job=job, worker=worker, at=timezone.now(), active=count, up=max(0, count - 1), dropped=1, samples=700 * count,
        content=packed(state),
    )  # fmt: skip


def given(count: int) -> None:
    put_job(name="node", document={"job_name": "node"}, secrets="", source="prometheus.yml", actor="test")
    write_snapshots(worker="w1", snapshots=[snapshot("node", count)])


def test_the_empty_state_says_how_to_import() -> None:
    page = client_with_role("operator").get("/settings/targets").content.decode()
    assert "belvedere import prometheus prometheus.yml --dry-run" in page


def test_jobs_are_listed_with_what_they_found() -> None:
    given(20)
    page = client_with_role("operator").get("/settings/targets").content.decode()
    assert "some down" in page
    assert "14,000" in page or "14 000" in page or "14\u202f000" in page


def test_the_worst_targets_come_first_with_their_errors_and_labels() -> None:
    given(20)
    page = client_with_role("operator").get("/settings/targets/job", {"name": "node"}).content.decode()
    assert page.index("10.0.0.7:9100") < page.index("10.0.0.0:9100")
    assert "the server answered 503" in page
    assert "__meta_zone" in page
    assert "consul is not there" in page


def test_a_dropped_target_says_why() -> None:
    given(2)
    page = client_with_role("operator").get("/settings/targets/job", {"name": "node", "show": "dropped"})
    assert "relabel rule 1 keeps only targets whose x matches" in page.content.decode()


def test_thousands_of_targets_are_shown_by_the_page_with_the_same_few_queries() -> None:
    client = client_with_role("operator")
    counts = []
    for count in (5, 2000):
        given(count)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = client.get("/settings/targets/job", {"name": "node", "page": "2"}).content.decode()
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert "Page 2 of 20" in page
    assert page.count("/metrics") <= 210


def test_targets_are_found_by_a_label() -> None:
    given(300)
    page = client_with_role("operator").get("/settings/targets/job", {"name": "node", "q": "HOST299"}).content.decode()
    assert "10.0.0.299:9100" in page
    assert "10.0.0.7:9100" not in page


def test_only_who_manages_targets_pauses_and_removes_jobs() -> None:
    given(1)
    job = ScrapeJob.objects.get()
    assert client_with_role("viewer").post(f"/settings/targets/jobs/{job.pk}", {"do": "pause"}).status_code == 403
    operator = client_with_role("operator")
    operator.post(f"/settings/targets/jobs/{job.pk}", {"do": "pause"})
    assert ScrapeJob.objects.get().enabled is False
    operator.post(f"/settings/targets/jobs/{job.pk}", {"do": "remove"})
    assert not ScrapeJob.objects.exists()
    actions = ["scrape_job.added", "scrape_job.paused", "scrape_job.removed"]
    assert (
        list(AuditEvent.objects.filter(action__startswith="scrape_job").order_by("pk").values_list("action", flat=True))
        == actions
    )


def test_an_unknown_job_is_not_found() -> None:
    assert client_with_role("operator").get("/settings/targets/job", {"name": "x"}).status_code == 404
