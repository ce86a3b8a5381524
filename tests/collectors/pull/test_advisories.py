"""Feeds come from files and URLs into the mirror, by hand and by the daily job."""

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from collectors.outbound import OutboundError
from collectors.pull.advisories import FETCH, feed_name, import_feed
from collectors.pull.osv_feed import BrokenFeed
from fleet.actions.dependencies import import_pip_audit_report
from fleet.jobs import enqueue, run_job
from fleet.models import Advisory, AdvisoryAlias, AdvisoryFeed, AffectedPackage, Finding, Job
from tests.collectors.web_server import reply

pytestmark = pytest.mark.django_db

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "advisories" / "pypa"


def advisory(osv_id: str) -> dict[str, object]:
    events = [{"introduced": "0"}, {"fixed": "3.0"}]
    package = {"ecosystem": "PyPI", "name": "jinja2"}
    return {"id": osv_id, "affected": [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}]}


def zipped(*osv_ids: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for osv_id in osv_ids:
            archive.writestr(f"{osv_id}.json", json.dumps(advisory(osv_id)))
    return out.getvalue()


@pytest.fixture
def loopback(settings) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.mark.parametrize("name", ["all.zip", "all.jsonl.zst"])
def test_the_real_advisories_are_imported_whole(name: str) -> None:
    if not REAL.is_dir():
        pytest.skip(f"{REAL} is not here")
    out = io.StringIO()
    call_command("import", "advisories", str(REAL / name), stdout=out)
    assert "2661 advisories read: 2661 new, 0 changed, 0 unchanged." in out.getvalue()
    assert "writing: 2500 advisories" in out.getvalue()
    assert Advisory.objects.count() == 2661
    assert Advisory.objects.exclude(withdrawn=None).count() == 10
    assert Advisory.objects.exclude(severity_score=None).count() == 202
    assert AffectedPackage.objects.count() == 2661
    assert AdvisoryAlias.objects.filter(alias="CVE-2021-35042").get().advisory.osv_id == "PYSEC-2021-109"
    feed = AdvisoryFeed.objects.get()
    assert (feed.name, feed.advisories, feed.last_error) == (f"pypa/{name}", 2661, "")
    assert feed.newest_modified.year == 2024
    call_command("import", "advisories", str(REAL / name), stdout=out)
    assert "0 new, 0 changed, 2661 unchanged." in out.getvalue()


def test_an_import_by_hand_matches_stored_components_before_it_ends(tmp_path: Path) -> None:
    document = {"dependencies": [{"name": "jinja2", "version": "2.10", "vulns": []}]}
    import_pip_audit_report(service="shop", environment="production", document=document, actor="test")
    feed, out = tmp_path / "all.zip", io.StringIO()
    feed.write_bytes(zipped("PYSEC-1"))
    call_command("import", "advisories", str(feed), "--name", "mine", stdout=out)
    assert "Stored components matched again: 1 findings opened, 0 reopened, 0 fixed." in out.getvalue()
    assert Finding.objects.get().advisory_id == "PYSEC-1"
    assert AdvisoryFeed.objects.get().name == "mine"


@pytest.mark.usefixtures("loopback")
def test_a_feed_is_fetched_from_a_url(serve) -> None:
    served = serve(lambda handler: reply(handler, zipped("PYSEC-1", "PYSEC-2")))
    outcome = import_feed(f"{served.url}/PyPI/all.zip", actor="test")
    assert outcome.created == 2
    assert AdvisoryFeed.objects.get().name == "PyPI/all.zip"


def test_a_feed_on_an_inner_address_is_not_fetched(serve) -> None:
    served = serve(lambda handler: reply(handler, zipped("PYSEC-1")))
    with pytest.raises(OutboundError, match="this machine itself"):
        import_feed(f"{served.url}/all.zip", actor="test")
    assert served.requests == []
    assert not AdvisoryFeed.objects.exists()


@pytest.mark.usefixtures("loopback")
def test_a_feed_cut_off_on_the_way_leaves_the_old_data_whole(serve) -> None:
    whole = zipped("PYSEC-1", "PYSEC-2")
    answers = [whole, whole[: len(whole) // 2]]

    def answer(handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(whole)))
        handler.end_headers()
        handler.wfile.write(answers.pop(0))
        handler.close_connection = True

    url = f"{serve(answer).url}/PyPI/all.zip"
    import_feed(url, actor="test")
    before = AdvisoryFeed.objects.get().imported_at
    with pytest.raises(OutboundError):
        import_feed(url, actor="test")
    feed = AdvisoryFeed.objects.get()
    assert Advisory.objects.count() == 2
    assert feed.imported_at == before
    assert feed.last_error != ""
    assert feed.last_attempt_at > before


def test_the_command_says_what_is_wrong_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no such file"):
        call_command("import", "advisories", str(tmp_path / "missing.zip"))
    (tmp_path / "half.jsonl").write_text('{"id": "PYSEC-1"}\n{"id": "PYS')
    with pytest.raises(CommandError, match=r"half\.jsonl:2 is broken JSON"):
        call_command("import", "advisories", str(tmp_path / "half.jsonl"))
    assert not Advisory.objects.exists()
    assert not AdvisoryFeed.objects.exists()  # a slip of the fingers is no feed


def test_the_daily_job_imports_every_feed_and_one_that_fails_does_not_stop_the_others(tmp_path: Path, settings) -> None:
    (tmp_path / "good.zip").write_bytes(zipped("PYSEC-1"))
    settings.ADVISORY_FEEDS = [str(tmp_path / "missing.zip"), str(tmp_path / "good.zip")]
    job = enqueue(FETCH)
    assert run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "missing.zip: no such file" in job.message
    assert "1 new" in job.message
    assert Advisory.objects.count() == 1
    assert AdvisoryFeed.objects.get(name__endswith="missing.zip").last_error != ""


def test_the_daily_job_without_feeds_says_so(settings) -> None:
    settings.ADVISORY_FEEDS = []
    job = enqueue(FETCH)
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.message.partition(";")[0]) == (Job.State.DONE, "no feeds are configured")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("https://example.org/PyPI/all.zip?x=1", "PyPI/all.zip"),
        ("/data/pypa/all.jsonl.zst", "pypa/all.jsonl.zst"),
    ],
)
def test_a_feed_is_called_by_the_end_of_its_path(source: str, name: str) -> None:
    assert feed_name(source) == name


def test_a_failed_attempt_does_not_make_a_feed_look_younger(tmp_path: Path) -> None:
    (tmp_path / "all.zip").write_bytes(zipped("PYSEC-1"))
    import_feed(str(tmp_path / "all.zip"), actor="test")
    AdvisoryFeed.objects.update(imported_at=timezone.now() - timedelta(days=9))
    (tmp_path / "all.zip").write_bytes(b"PK")
    with pytest.raises(BrokenFeed):
        import_feed(str(tmp_path / "all.zip"), actor="test")
    assert AdvisoryFeed.objects.get().imported_at < timezone.now() - timedelta(days=8)
