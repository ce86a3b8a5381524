"""The OSV API answers unmodified clients from the mirror, and says so when it cannot."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fleet.actions.advisories import import_advisories
from fleet.actions.dependencies import import_pip_audit_report
from fleet.matching import PackageAdvisories
from fleet.models import Finding
from fleet.osv import read_record
from fleet.tokens import create_token

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"

JINJA = {
    "id": "GHSA-1",
    "modified": "2024-01-01T00:00:00Z",
    "published": "2024-01-01T00:00:00.123456789Z",
    "aliases": ["CVE-1"],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Jinja2"},
            "versions": ["2.10"],
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.10.1"}]},
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2019-09-12"}]},
                {"type": "GIT", "repo": "https://example.org", "events": [{"introduced": "0"}, {"fixed": "abc"}]},
            ],
        }
    ],
}
TWIN = {**JINJA, "id": "PYSEC-1", "published": "2024-01-01T00:00:00Z", "aliases": ["CVE-1", "CVE-2"]}


def load(*documents: dict[str, Any]) -> None:
    pairs = [(document["id"], json.dumps(document).encode()) for document in documents]
    import_advisories(feed="test", source="test", documents=pairs, actor="test")


@pytest.fixture
def mirror(db) -> None:
    load(JINJA, TWIN)


def ask(client, query: Any, path: str = "query", **headers: str):
    body = query if isinstance(query, bytes) else json.dumps(query).encode()
    return client.generic("POST", f"/osv/v1/{path}", body, content_type="", **headers)


def of(name: str = "jinja2", version: str = "2.10", ecosystem: str = "PyPI") -> dict[str, Any]:
    return {"package": {"name": name, "ecosystem": ecosystem}, "version": version}


@pytest.mark.usefixtures("mirror")
def test_a_query_without_content_type_is_answered_with_what_clients_need(client) -> None:
    response = ask(client, of())
    assert response.status_code == 200
    first, second = response.json()["vulns"]
    assert (first["id"], first["aliases"]) == ("GHSA-1", ["CVE-1", "CVE-2", "PYSEC-1"])
    assert (second["id"], second["aliases"]) == ("PYSEC-1", ["CVE-1", "CVE-2", "GHSA-1"])
    assert first["affected"][0]["package"]["name"] == "jinja2"
    kept = [each["events"][-1]["fixed"] for each in first["affected"][0]["ranges"]]
    assert kept == ["2.10.1", "abc"]  # the range that nobody can evaluate is gone
    assert "published" not in first  # nanoseconds stop pip-audit
    assert second["published"] == "2024-01-01T00:00:00Z"


@pytest.mark.usefixtures("mirror")
@pytest.mark.parametrize("query", [of(version="3.0"), of(name="flask"), {"package": {"purl": "pkg:pypi/jinja2@3.0"}}])
def test_nothing_known_is_an_empty_object(client, query: dict[str, Any]) -> None:
    assert ask(client, query).json() == {}


@pytest.mark.usefixtures("mirror")
@pytest.mark.parametrize(
    "query",
    [
        of(name="Jinja2"),
        {"package": {"purl": "pkg:pypi/jinja2@2.10"}},
        {"package": {"purl": "pkg:pypi/Jinja2"}, "version": "2.10"},
        {"package": {"name": "jinja2", "ecosystem": "PyPI"}},
    ],
)
def test_names_and_purls_find_the_same_package(client, query: dict[str, Any]) -> None:
    assert [vuln["id"] for vuln in ask(client, query).json()["vulns"]] == ["GHSA-1", "PYSEC-1"]


@pytest.mark.usefixtures("mirror")
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (b"{", "broken JSON"),
        (b"", "broken JSON"),
        ([], "not a JSON object"),
        ({"commit": "abc"}, "queries by commit are not answered"),
        ({"package": {"name": "jinja2"}}, "package needs a name and an ecosystem"),
        ({"package": {"name": 3, "ecosystem": "PyPI"}}, "name is not text"),
        (of(version="not a version"), "'not a version' is no version of PyPI"),
        (of(ecosystem="npm"), "versions of npm packages cannot be compared yet"),
        ({"package": {"purl": "pkg:npm/left-pad@1"}}, "versions of npm packages cannot be compared yet"),
        ({"package": {"purl": "jinja2"}}, "is no package URL"),
        ({"package": {"purl": "pkg:pypi/jinja2@1"}, "version": "2"}, "both in the purl and beside it"),
    ],
)
def test_what_cannot_be_answered_is_refused_and_never_clean(client, query: Any, sentence: str) -> None:
    response = ask(client, query)
    assert (response.status_code, response.json()["code"]) == (400, 3)
    assert sentence in response.json()["message"]


def test_an_empty_mirror_is_no_all_clear(client, db) -> None:
    for response in (ask(client, of()), ask(client, {"queries": [of()]}, "querybatch")):
        assert response.status_code == 503
        assert "no advisories are loaded" in response.json()["message"]


@pytest.mark.usefixtures("mirror")
def test_a_batch_is_answered_in_its_order(client) -> None:
    queries = [of(version="3.0"), of(), of(name="flask"), of(name="JINJA2")]
    results = ask(client, {"queries": queries}, "querybatch").json()["results"]
    found = [{"id": name, "modified": "2024-01-01T00:00:00.000000Z"} for name in ("GHSA-1", "PYSEC-1")]
    assert results == [{}, {"vulns": found}, {}, {"vulns": found}]


@pytest.mark.usefixtures("mirror")
def test_a_batch_has_a_limit_and_a_form(client) -> None:
    over = ask(client, {"queries": [of()] * 1001}, "querybatch")
    assert "1001 queries; the limit is 1000" in over.json()["message"]
    assert 'no list "queries"' in ask(client, {}, "querybatch").json()["message"]
    assert ask(client, {"queries": [of(ecosystem="npm")]}, "querybatch").status_code == 400


@pytest.mark.usefixtures("mirror")
def test_a_batch_costs_the_same_few_queries_however_long(client, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(3):
        ask(client, {"queries": [of(name=f"package-{number}") for number in range(200)]}, "querybatch")


@pytest.mark.usefixtures("mirror")
def test_an_advisory_is_found_by_any_of_its_names(client) -> None:
    by_id, by_alias = client.get("/osv/v1/vulns/PYSEC-1"), client.get("/osv/v1/vulns/CVE-2")
    assert by_id.json() == by_alias.json()
    assert by_id.json()["aliases"] == ["CVE-1", "CVE-2", "GHSA-1"]
    assert by_id.json()["affected"] == TWIN["affected"]
    missing = client.get("/osv/v1/vulns/CVE-404")
    assert (missing.status_code, missing.json()["code"]) == (404, 5)


@pytest.mark.usefixtures("mirror")
def test_other_machines_need_a_token_that_may_query(client) -> None:
    _, reader = create_token(name="reader", scopes=["query"], actor="test")
    _, sender = create_token(name="sender", scopes=["ingest:logs"], actor="test")
    elsewhere = {"REMOTE_ADDR": "198.51.100.7"}
    assert ask(client, of(), **elsewhere).status_code == 401
    assert ask(client, of(), HTTP_AUTHORIZATION=f"Bearer {sender}", **elsewhere).status_code == 403
    assert ask(client, of(), HTTP_AUTHORIZATION=f"Bearer {reader}", **elsewhere).status_code == 200
    assert ask(client, of(), HTTP_X_FORWARDED_FOR="198.51.100.7").status_code == 401
    assert ask(client, of(), HTTP_X_FORWARDED_FOR="127.0.0.1", **elsewhere).status_code == 401
    assert client.get("/osv/v1/vulns/PYSEC-1", **elsewhere).status_code == 401


def run_pip_audit(url: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "-s",
        "osv",
        "--osv-url",
        url,
        "-f",
        "json",
        "--progress-spinner",
        "off",
    ]
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return subprocess.run(
        [*command, "--cache-dir", str(folder), *arguments],
        capture_output=True, text=True, timeout=120, env=environment, cwd=folder,
    )  # fmt: skip


@pytest.mark.peer
@pytest.mark.django_db(transaction=True)
def test_the_unmodified_pip_audit_finds_all_and_invents_nothing(live_server, tmp_path) -> None:
    requirements, archive = DATA / "security/pip-audit/a.requirements.txt", DATA / "advisories/pypa/all.zip"
    if not requirements.is_file() or not archive.is_file():
        pytest.skip(f"{DATA} is not here")
    with zipfile.ZipFile(archive) as members:
        documents = [json.loads(members.read(name)) for name in members.namelist()]
    load(*documents)
    arguments = ("-r", str(requirements), "--no-deps", "--disable-pip")
    done = run_pip_audit(f"{live_server.url}/osv/v1/query", tmp_path, *arguments)
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)

    found = {each["name"]: {vuln["id"] for vuln in each["vulns"]} for each in report["dependencies"]}
    pinned = dict(line.strip().split("==") for line in requirements.read_text().splitlines() if line.strip())
    records = [read_record(document) for document in documents]
    for name, version in pinned.items():
        advisories = PackageAdvisories("PyPI", name, [each for each in records if ("PyPI", name) in each.packages])
        assert found[name] == {problem.advisory_id for problem in advisories.verdict(version).problems}, name
    assert sum(map(len, found.values())) > 80

    import_pip_audit_report(service="shop", environment="production", document=report, actor="test")
    assert Finding.objects.count() == sum(map(len, found.values()))
    assert all(finding.reported_by == ["mirror", "pip-audit"] for finding in Finding.objects.all())


@pytest.mark.peer
@pytest.mark.django_db(transaction=True)
def test_the_unmodified_pip_audit_keeps_fix_versions_of_a_name_spelt_otherwise(live_server, tmp_path) -> None:
    load(JINJA)
    (tmp_path / "requirements.txt").write_text("Jinja2==2.10\n")
    arguments = ("-r", str(tmp_path / "requirements.txt"), "--no-deps", "--disable-pip")
    done = run_pip_audit(f"{live_server.url}/osv/v1/query", tmp_path, *arguments)
    (dependency,) = json.loads(done.stdout)["dependencies"]
    assert dependency["vulns"][0]["fix_versions"] == ["2.10.1"]


@pytest.mark.peer
@pytest.mark.django_db(transaction=True)
def test_the_unmodified_pip_audit_fails_while_the_mirror_is_empty(live_server, tmp_path) -> None:
    (tmp_path / "requirements.txt").write_text("jinja2==2.10\n")
    arguments = ("-r", str(tmp_path / "requirements.txt"), "--no-deps", "--disable-pip")
    done = run_pip_audit(f"{live_server.url}/osv/v1/query", tmp_path, *arguments)
    assert done.returncode == 1
    assert "No known vulnerabilities" not in done.stderr + done.stdout
