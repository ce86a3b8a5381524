"""Each format gives its rows; whatever could not be audited says why."""

import json
from typing import Any

import pytest

from collectors.wire.inventory.detect import read_inventory
from collectors.wire.limits import DecodeLimits
from fleet.inventory import InvalidReport, ReportedInventory
from telemetry.model.errors import InvalidInput

GHSA = "GHSA-aaaa-bbbb-cccc"
VECTOR = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"


def read(document: Any) -> ReportedInventory:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_inventory(body, DecodeLimits())


def rows(document: Any) -> list[tuple[str, str, str, str]]:
    return [(row.ecosystem, row.name, row.version, row.skip_reason) for row in read(document).components]


def bom(*components: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": list(components), **fields}


@pytest.mark.parametrize(
    ("line", "version", "reason"),
    [
        ("Django[argon2]==4.2 --hash=sha256:aa", "4.2", ""),
        ("django===4.2", "4.2", ""),
        ("django==4.2 ; python_version >= '3.8'", "4.2", ""),
        ("django==4.2; sys_platform == 'win32'", "4.2", "other platforms"),
        ("django", "", "not pinned: no version"),
        ("django>=4", "", "not pinned: '>=4' allows several"),
        ("django==4.*", "", "not pinned"),
        ("-r missing.txt", "", "'missing.txt', which was not sent along"),
        ("--constraint=other.txt", "", "'other.txt', which was not sent along"),
        ("-e git+https://host.test/a.git#egg=a", "", "installed for editing"),
        ("django @ https://host.test/django.whl", "", "from an address"),
        ("./wheels/a.whl", "", "from a file or an address"),
    ],
)
def test_a_requirement_is_pinned_or_unknown(line: str, version: str, reason: str) -> None:
    _, row = read(f"flask==1 # comment\n\n{line}\n--index-url https://host.test\n".encode()).components
    assert row.version == version
    assert reason in row.skip_reason
    assert bool(reason) == bool(row.skip_reason)


def test_a_requirement_goes_on_behind_a_backslash() -> None:
    assert rows(b"django==4.2 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nflask==1\n") == [
        ("PyPI", "django", "4.2", ""), ("PyPI", "flask", "1", ""),
    ]  # fmt: skip


def test_one_line_that_is_no_requirement_is_a_row_and_a_whole_text_of_them_is_refused() -> None:
    assert "no requirement" in read(b"django==4.2\nwhat is this?\n").components[1].skip_reason
    with pytest.raises(InvalidReport, match="no line is a requirement"):
        read(b"Dear all,\nplease find attached\n")


@pytest.mark.parametrize(
    ("content", "format_"),
    [
        ('[[package]]\nname = "A_b"\nversion = "1.0"\n[metadata]\nlock-version = "2.0"\n', "poetry"),
        ('version = 1\n[[package]]\nname = "a-b"\nversion = "1.0"\nsource = { registry = "x" }\n', "uv"),
        ('lock-version = "1.0"\n[[packages]]\nname = "a-b"\nversion = "1.0"\n', "pylock"),
    ],
)
def test_lock_files_are_told_apart(content: str, format_: str) -> None:
    inventory = read(content.encode())
    assert (inventory.format, inventory.audited) == (format_, False)
    assert rows(content.encode()) == [("PyPI", "a-b", "1.0", "")]


def test_a_locked_package_that_comes_from_no_index_is_unknown() -> None:
    (row,) = rows(b'[[package]]\nname = "own"\nversion = "0.1"\nsource = { editable = "." }\n')
    assert row[3] == "it does not come from an index (editable)"


def test_a_pipfile_lock_gives_its_groups() -> None:
    document = {
        "_meta": {},
        "default": {"Django": {"version": "==4.2"}, "own": {"path": ".", "editable": True}},
        "develop": {"pytest": {"version": "*"}},
    }
    assert [(row[1], row[2], bool(row[3])) for row in rows(document)] == [
        ("django", "4.2", False), ("own", "", True), ("pytest", "", True),
    ]  # fmt: skip


def test_package_locks_of_all_versions_name_what_is_installed() -> None:
    new = {
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "shop"},
            "node_modules/@a/b": {"version": "1.0.0"},
            "node_modules/c/node_modules/d": {"version": "2.0.0"},
            "packages/own": {"version": "0.1.0"},
            "node_modules/e": {"version": "3.0.0", "resolved": "git+ssh://host.test/e.git"},
        },
    }
    assert [(row[1], row[2], bool(row[3])) for row in rows(new)] == [
        ("@a/b", "1.0.0", False), ("d", "2.0.0", False), ("packages/own", "0.1.0", True), ("e", "3.0.0", True),
    ]  # fmt: skip
    old = {
        "lockfileVersion": 1,
        "dependencies": {"c": {"version": "1.0.0", "dependencies": {"d": {"version": "2.0.0"}}}},
    }
    assert [row[1:3] for row in rows(old)] == [("c", "1.0.0"), ("d", "2.0.0")]


@pytest.mark.parametrize(
    ("purl", "ecosystem", "name", "version"),
    [
        ("pkg:pypi/Zope.Interface@5", "PyPI", "zope-interface", "5"),
        ("pkg:npm/%40scope/pkg@1.0.0", "npm", "@scope/pkg", "1.0.0"),
        ("pkg:golang/github.com/a/b@v1.2.3", "Go", "github.com/a/b", "v1.2.3"),
        ("pkg:maven/org.a/b@1", "Maven", "org.a:b", "1"),
        ("pkg:composer/a/b@1", "Packagist", "a/b", "1"),
        ("pkg:deb/debian/libssl3@3.0.1-1?distro=debian-12.4&upstream=openssl", "Debian:12", "openssl", "3.0.1-1"),
        ("pkg:apk/alpine/musl@1.2-r1?distro=alpine-3.18.4", "Alpine:v3.18", "musl", "1.2-r1"),
    ],
)
def test_a_package_url_names_the_package_as_advisories_do(purl: str, ecosystem: str, name: str, version: str) -> None:
    assert rows(bom({"type": "library", "name": "x", "purl": purl})) == [(ecosystem, name, version, "")]


def test_components_without_a_usable_package_url_are_unknown() -> None:
    given = bom(
        {"type": "library", "name": "a", "version": "1"},
        {"type": "file", "name": "b"},
        {"type": "library", "name": "c", "purl": "not a purl"},
        {"type": "library", "name": "d", "purl": "pkg:generic/d@1"},
        {"type": "library", "name": "e", "purl": "pkg:pypi/e"},
        {"type": "library", "name": "<b>f</b>", "purl": "pkg:pypi/f@1", "components": [{"name": "g", "type": "data"}]},
    )
    assert [(row[1], bool(row[3])) for row in rows(given)] == [
        ("a", True), ("b", True), ("c", True), ("d", True), ("e", True), ("f", False), ("g", True),
    ]  # fmt: skip


def test_vulnerabilities_in_a_bom_belong_to_the_component_they_affect() -> None:
    given = bom(
        {"type": "library", "name": "a", "bom-ref": "r1", "purl": "pkg:pypi/a@1"},
        vulnerabilities=[
            {
                "id": "CVE-2020-1234",
                "ratings": [{"score": 1.0}, {"vector": VECTOR}],
                "affects": [{"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#r1"}],
                "analysis": {"state": "not_affected", "justification": "code_not_reachable", "response": ["update"]},
            },
            {"id": "CVE-2020-5678", "affects": [{"ref": "pkg:npm/b@2.0.0"}, {"ref": "nowhere"}]},
        ],
    )
    first, second, third = read(given).components
    (problem,) = first.problems
    assert (problem.ids, problem.severity.score, problem.analysis.state) == (("CVE-2020-1234",), 9.8, "not_affected")
    assert (second.ecosystem, second.name, second.version, second.skip_reason) == ("npm", "b", "2.0.0", "")
    assert "no component of the file has this reference" in third.skip_reason


def test_spdx_packages_are_rows_but_for_the_described_one() -> None:
    reference = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:pypi/a@1"}
    given = {
        "spdxVersion": "SPDX-2.3",
        "SPDXID": "SPDXRef-DOCUMENT",
        "documentDescribes": ["SPDXRef-shop"],
        "packages": [
            {"SPDXID": "SPDXRef-shop", "name": "shop"},
            {"SPDXID": "SPDXRef-a", "name": "a", "externalRefs": [reference]},
            {"SPDXID": "SPDXRef-b", "name": "b", "versionInfo": "NOASSERTION"},
        ],
    }
    assert [(row[1], row[2], bool(row[3])) for row in rows(given)] == [("a", "1", False), ("b", "", True)]


@pytest.mark.parametrize("key", ["source", "packageSource"])
def test_osv_scanner_names_packages_with_their_advisories(key: str) -> None:
    record = {
        "id": GHSA,
        "aliases": ["CVE-2020-1"],
        "severity": [{"type": "CVSS_V3", "score": VECTOR}],
        "affected": [
            {"package": {"ecosystem": "npm", "name": "a"}, "ranges": [{"type": "SEMVER", "events": [{"fixed": "2"}]}]}
        ],
    }
    entry = {"package": {"name": "a", "version": "1.0.0", "ecosystem": "npm"}, "vulnerabilities": [record]}
    commit = {"package": {"commit": "abc"}, "vulnerabilities": [record]}
    inventory = read({"results": [{key: {"path": "lock", "type": "lockfile"}, "packages": [entry, commit]}]})
    first, second = inventory.components
    assert inventory.audited
    assert (first.purl, first.problems[0].ids, first.problems[0].fix_versions) == (
        "pkg:npm/a@1.0.0", (GHSA, "CVE-2020-1"), ("2",),
    )  # fmt: skip
    assert "commits are not compared" in second.skip_reason


def test_trivy_may_have_found_nothing() -> None:
    found = {"VulnerabilityID": "CVE-2020-1", "PkgName": "a", "InstalledVersion": "1", "FixedVersion": "2, 3",
             "CVSS": {"nvd": {"V3Vector": VECTOR}}}  # fmt: skip
    packages = [{"Name": "b", "Version": "2", "Identifier": {"PURL": "pkg:pypi/b@2"}}]
    results = [
        {"Target": "x", "Type": "pip", "Vulnerabilities": None},
        {"Target": "y", "Type": "pip", "Vulnerabilities": [found], "Packages": packages},
        {"Target": "z", "Class": "secret"},
    ]
    first, second = read({"SchemaVersion": 2, "ArtifactName": "image", "Results": results}).components
    assert (first.name, first.problems[0].fix_versions, first.problems[0].severity.score) == ("a", ("2", "3"), 9.8)
    assert (second.name, second.problems) == ("b", ())
    assert read({"SchemaVersion": 2, "ArtifactName": "image", "Results": None}).components == ()


def test_npm_audit_names_no_version_so_its_packages_are_unknown() -> None:
    via = {"source": 1, "title": "bad", "url": f"https://github.com/advisories/{GHSA}", "cvss": {"score": 7.5}}
    given = {"auditReportVersion": 2, "vulnerabilities": {"a": {"via": [via, "b"]}, "b": {"via": []}}}
    first, second = read(given).components
    assert (first.problems[0].ids, first.problems[0].severity.score) == ((GHSA,), 7.5)
    assert "package-lock.json" in first.skip_reason
    assert second.problems == ()


def test_npm_audit_of_npm_6_names_versions() -> None:
    advisory = {"module_name": "a", "url": f"https://x.test/{GHSA}", "cves": ["CVE-2020-1"],
                "patched_versions": ">=2.0.0", "findings": [{"version": "1.0.0"}, {"version": "1.1.0"}]}  # fmt: skip
    first, second = read({"advisories": {"7": advisory}, "metadata": {}}).components
    assert (first.version, second.version, first.skip_reason) == ("1.0.0", "1.1.0", "")
    assert (first.problems[0].ids, first.problems[0].fix_versions) == ((GHSA, "CVE-2020-1"), ("2.0.0",))


def test_sarif_results_about_a_package_are_its_problems_and_others_are_unknown() -> None:
    results = [
        {"ruleId": "CVE-2020-1234", "message": {"text": "in pkg:npm/a@1.0.0"}},
        {"ruleId": "CVE-2020-1234", "message": {"text": "in some package"}},
        {"ruleId": "B101", "message": {"text": "assert used"}},
    ]
    rules = [{"id": "CVE-2020-1234", "properties": {"security-severity": "8.1"}}]
    given = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "scan", "rules": rules}}, "results": results}]}
    first, second, third = read(given).components
    assert (first.ecosystem, first.name, first.version, first.skip_reason) == ("npm", "a", "1.0.0", "")
    assert first.problems[0].severity.score == 8.1
    assert "does not say which package" in second.skip_reason
    assert "about code" in third.skip_reason


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"bomFormat": "CycloneDX", "specVersion": "9"}, "CycloneDX 9 is not read"),
        (bom(), "names no components"),
        (bom({"type": "library"}), r"components\[0\].name is missing"),
        (bom(1), r"components\[0\] is not an object"),  # type: ignore[arg-type]
        ({"spdxVersion": "SPDX-3.0"}, "SPDX-3.0 is not read"),
        ({"version": "2.0.0", "runs": []}, "SARIF 2.0.0 is not read"),
        ({"what": "else"}, "the format is not recognised"),
        (b"<bom/>", "XML is not read"),
        (b"\xff\xfe", "not text in UTF-8"),
        (b"[[package]\n", "broken TOML"),
        (bom(*({"type": "library", "name": "a"} for _ in range(100_001))), "100,001 components; the limit is 100,000"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_refused_by_what_is_wrong(document: Any, sentence: str) -> None:
    with pytest.raises(InvalidReport, match=sentence):
        read(document)


def test_deep_nesting_is_refused() -> None:
    nested: dict[str, Any] = {"type": "library", "name": "a"}
    for _ in range(80):
        nested = {"type": "library", "name": "a", "components": [nested]}
    with pytest.raises(InvalidInput, match="nested deeper than 64"):
        read(bom(nested))


def test_the_same_content_has_the_same_hash_whatever_its_serial_number() -> None:
    part = {"type": "library", "name": "a", "purl": "pkg:pypi/a@1"}
    assert read(bom(part, serialNumber="urn:uuid:1")).sha256 == read(bom(part, serialNumber="urn:uuid:2")).sha256
