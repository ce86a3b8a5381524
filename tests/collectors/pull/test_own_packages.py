"""Our own packages are audited by the unmodified pip-audit, and never called clean for want of an answer."""

import json
import sys
import time
import urllib.error
import urllib.request
from importlib.metadata import version
from pathlib import Path

import pytest

from collectors.pull import own_packages, pip_audit
from collectors.pull.advisories import import_feed
from collectors.pull.osv_server import osv_server
from collectors.pull.own_packages import AUDIT_OWN
from collectors.pull.pip_audit import AuditFailed, AuditSource, run_pip_audit
from fleet.actions.advisories import import_advisories
from fleet.jobs import enqueue, run_job
from fleet.models import AuditReport, Component, Finding, Job, Service


def load(package: str, fixed: str) -> None:
    events = [{"introduced": "0"}, {"fixed": fixed}]
    ranges = [{"type": "ECOSYSTEM", "events": events}]
    document = {"id": "PYSEC-1", "affected": [{"package": {"ecosystem": "PyPI", "name": package}, "ranges": ranges}]}
    import_advisories(feed="test", source="test", documents=[("PYSEC-1", json.dumps(document).encode())], actor="test")


def audit() -> Job:
    job = enqueue(AUDIT_OWN, max_attempts=1)
    run_job(job.pk)
    job.refresh_from_db()
    return job


@pytest.mark.django_db
def test_an_empty_mirror_makes_every_package_unknown() -> None:
    job = audit()
    assert job.state == Job.State.DONE, job.message
    report = AuditReport.objects.get()
    assert (report.service.name, report.service.origin) == ("belvedere", Service.Origin.SELF)
    assert report.components == report.unknown > 50
    assert report.findings == 0
    django = Component.objects.get(name="django")
    assert (django.version, django.skip_reason.partition(";")[0]) == (version("django"), "no advisories loaded")


@pytest.mark.peer
@pytest.mark.django_db(transaction=True)
def test_the_unmodified_pip_audit_finds_what_is_wrong_with_our_own_packages() -> None:
    load("Django", "999")
    job = audit()
    assert job.state == Job.State.DONE, job.message
    finding = Finding.objects.get()
    assert (finding.package, finding.version, finding.service.name) == ("django", version("django"), "belvedere")
    assert finding.reported_by == ["mirror", "pip-audit"]
    assert AuditReport.objects.get().components > 50


@pytest.mark.django_db
def test_the_first_advisories_have_our_own_packages_audited_again(tmp_path: Path) -> None:
    audit()
    (tmp_path / "feed.json").write_text('{"id": "PYSEC-1"}')
    import_feed(str(tmp_path / "feed.json"), actor="test")
    import_feed(str(tmp_path / "feed.json"), actor="test")
    assert Job.objects.filter(kind=AUDIT_OWN, state=Job.State.QUEUED).count() == 1
    Job.objects.all().delete()
    Component.objects.update(skip_reason="")
    AuditReport.objects.update(unknown=0)
    import_feed(str(tmp_path / "feed.json"), actor="test")
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_a_failed_run_leaves_the_packages_unknown_and_the_job_failed(monkeypatch) -> None:
    load("django", "0.1")
    monkeypatch.setattr(own_packages, "run_pip_audit", _fail)
    job = audit()
    assert (job.state, job.message) == (Job.State.FAILED, "AuditFailed: it broke")
    report = AuditReport.objects.get()
    assert report.components == report.unknown > 50
    Component.objects.update(skip_reason="")
    audit()
    assert not Component.objects.exclude(skip_reason="").exists()  # what was known stays


def _fail(*_: object, **__: object) -> None:
    raise AuditFailed("it broke")


@pytest.fixture
def program(tmp_path: Path, monkeypatch):
    """Puts a program in the place of pip-audit: its Python source, with `output` for the report's path."""

    def install(source: str) -> None:
        file = tmp_path / "program.py"
        file.write_text(source)
        monkeypatch.setattr(
            pip_audit, "_command", lambda source, url, output, folder: [sys.executable, str(file), output, url]
        )

    return install


REPORT = '{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}'


@pytest.mark.parametrize("status", [0, 1])
def test_a_report_counts_whether_or_not_something_was_found(program, status: int) -> None:
    program(f"import sys; open(sys.argv[1], 'w').write('{REPORT}'); sys.exit({status})")
    report = run_pip_audit(AuditSource(), osv_url="http://127.0.0.1:1/")
    assert report["dependencies"][0]["name"] == "a"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("import sys; sys.exit(1)", "ended with status 1 and gave no report: no message"),
        ("import sys; sys.exit(0)", "ended with status 0 and gave no report"),
        ("import sys; print('oh\\nno', file=sys.stderr); sys.exit(2)", "ended with status 2: oh / no"),
        ("import sys; open(sys.argv[1], 'w').write('{')", "gave no report"),
        ("import sys; open(sys.argv[1], 'w').write('{\"dependencies\": []}')", "found no packages to audit"),
        ("import sys; open(sys.argv[1], 'w').write('[]')", "found no packages to audit"),
        ("import os; os.kill(os.getpid(), 9)", "ended with status -9"),
    ],
)
def test_every_other_end_is_a_failure_with_its_reason(program, source: str, sentence: str) -> None:
    program(source)
    with pytest.raises(AuditFailed, match=sentence):
        run_pip_audit(AuditSource(), osv_url="http://127.0.0.1:1/")


def test_a_run_that_hangs_is_ended_with_its_children(program, tmp_path: Path) -> None:
    program(
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    with pytest.raises(AuditFailed, match="did not end within 2 s and was stopped"):
        run_pip_audit(AuditSource(), osv_url="http://127.0.0.1:1/", timeout_seconds=2)
    child = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat")
    for _ in range(200):  # the kill is sent; the kernel needs a moment to carry it out
        if _is_gone(child):
            break
        time.sleep(0.05)
    assert _is_gone(child)


def _is_gone(stat: Path) -> bool:
    try:
        return stat.read_text().rpartition(")")[2].split()[0] in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_the_child_gets_neither_proxies_nor_secrets(program, monkeypatch) -> None:
    monkeypatch.setenv("BELVEDERE_SECRET_KEY", "hidden")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    program(
        "import json, os, sys\n"
        "rows = [{'name': name, 'version': '1'} for name in os.environ]\n"
        "json.dump({'dependencies': rows}, open(sys.argv[1], 'w'))"
    )
    names = {row["name"] for row in run_pip_audit(AuditSource(), osv_url="http://127.0.0.1:1/")["dependencies"]}
    assert "PATH" in names
    assert not names & {"BELVEDERE_SECRET_KEY", "HTTP_PROXY", "BELVEDERE_DATA"}


@pytest.mark.django_db(transaction=True)
def test_the_server_for_a_child_answers_like_the_api_and_ends_with_its_block() -> None:
    load("django", "999")
    with osv_server() as url:
        answer = _post(url, {"package": {"name": "django", "ecosystem": "PyPI"}, "version": "5.2"})
        assert [vuln["id"] for vuln in answer["vulns"]] == ["PYSEC-1"]
        assert _post(url, {"package": {"name": "flask", "ecosystem": "PyPI"}, "version": "1"}) == {}
        with pytest.raises(urllib.error.HTTPError, match="400"):
            _post(url, {"package": {"name": "x", "ecosystem": "npm"}})
    with pytest.raises(urllib.error.URLError):
        _post(url, {})


def _post(url: str, query: object) -> dict[str, object]:
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(query).encode()), timeout=10) as response:
        return json.load(response)
