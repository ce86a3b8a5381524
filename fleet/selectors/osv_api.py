"""Answers of the OSV API from the advisory mirror, whoever carries them (https://google.github.io/osv.dev/api/).

Records are answered as they were imported, with three corrections that clients need: every alias of the problem is
named, package names are written as their ecosystem normalises them (pip-audit loses the fix versions of any other
spelling), and ranges that nobody can evaluate are left out (pip-audit stops at a version that is none).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from packageurl import PackageURL

from fleet.matching import (
    PackageAdvisories,
    Undecidable,
    compile_range,
    unsupported,
)
from fleet.osv import AffectedRange, OsvRecord, RangeEvent, normalised_name
from fleet.selectors.dependencies import Package, advisory_named, mirror_is_empty, package_advisories, package_documents
from fleet.versions import pep440

ANSWERED_ECOSYSTEMS: Final = frozenset({"PyPI"})
"""Ecosystems that the API answers for; every other is refused by name."""

MAX_QUERIES: Final = 1_000
"""Most queries of one batch, as the public service has it."""

_PURL_ECOSYSTEMS: Final = {"pypi": "PyPI"}
_CLIENT_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
"""What pip-audit can parse; Go writes nanoseconds."""


class OsvError(Exception):
    """A query that is not answered. `status` is HTTP's, `code` is gRPC's, as the public service answers."""

    def __init__(self, message: str, *, status: int = 400, code: int = 3) -> None:
        super().__init__(message)
        self.status, self.code = status, code

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "message": str(self), "details": []}


@dataclass(frozen=True, slots=True)
class _Question:
    """A query understood: a package, and the version asked about ('' for every advisory of the package)."""

    package: Package
    version: str


def answer_query(query: Any) -> dict[str, Any]:
    """Body of `POST /v1/query`: {"vulns": [...]}, or {} when nothing affects the version. Raises OsvError."""
    question = _question(query)
    _check_mirror()
    advisories = package_advisories([question.package])[question.package]
    documents = package_documents(question.package)
    found = [_answered(documents[record.osv_id], advisories) for record in _affecting(advisories, question)]
    return {"vulns": found} if found else {}


def answer_batch(batch: Any) -> dict[str, Any]:
    """Body of `POST /v1/querybatch`: identifiers only, one result a query in its order. Raises OsvError."""
    queries = batch.get("queries") if isinstance(batch, Mapping) else None
    if not isinstance(queries, list):
        raise OsvError('the body has no list "queries"')
    if len(queries) > MAX_QUERIES:
        raise OsvError(f"the batch has {len(queries)} queries; the limit is {MAX_QUERIES}")
    questions = [_question(query) for query in queries]
    _check_mirror()
    advisories = package_advisories(question.package for question in questions)
    return {"results": [_brief(_affecting(advisories[each.package], each)) for each in questions]}


def answer_vulnerability(name: str) -> dict[str, Any]:
    """Body of `GET /v1/vulns/<name>`, found by identifier or alias. Raises OsvError (404)."""
    advisory = advisory_named(name)
    if advisory is None:
        raise OsvError(f"no advisory is called {name!r}", status=404, code=5)
    packages = package_advisories(advisory.affected.values_list("ecosystem", "package"))
    aliases = set(advisory.document.get("aliases") or ()).union(
        *(known.closure(advisory.osv_id) for known in packages.values())
    )
    return {**advisory.document, "aliases": sorted(aliases - {advisory.osv_id})}


def _check_mirror() -> None:
    if mirror_is_empty():
        raise OsvError(
            "no advisories are loaded, so nothing can be called clean; `belvedere import advisories` loads them",
            status=503,
            code=14,
        )


def _question(query: Any) -> _Question:
    if not isinstance(query, Mapping):
        raise OsvError("the query is not a JSON object")
    package = query.get("package")
    if not isinstance(package, Mapping):
        raise OsvError("the query names no package; queries by commit are not answered from this mirror")
    version = _text(query, "version")
    if purl := _text(package, "purl"):
        return _question_of_purl(purl, version)
    ecosystem, name = _text(package, "ecosystem"), _text(package, "name")
    if not name or not ecosystem:
        raise OsvError("package needs a name and an ecosystem, or a purl")
    return _checked(ecosystem, name, version)


def _question_of_purl(purl: str, version: str) -> _Question:
    try:
        parsed = PackageURL.from_string(purl)
    except ValueError as error:
        raise OsvError(f"{purl!r} is no package URL: {error}") from error
    if parsed.version and version:
        raise OsvError("the version stands both in the purl and beside it")
    return _checked(_PURL_ECOSYSTEMS.get(parsed.type, parsed.type), parsed.name, parsed.version or version)


def _checked(ecosystem: str, name: str, version: str) -> _Question:
    if ecosystem not in ANSWERED_ECOSYSTEMS:
        raise OsvError(f"{unsupported(ecosystem)}; this mirror answers for {', '.join(sorted(ANSWERED_ECOSYSTEMS))}")
    if version and pep440(version) is None:
        raise OsvError(f"{version!r} is no version of {ecosystem}")
    return _Question((ecosystem, normalised_name(ecosystem, name)), version)


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key) or ""
    if not isinstance(value, str):
        raise OsvError(f"{key} is not text")
    return value.strip()


def _affecting(advisories: PackageAdvisories, question: _Question) -> list[OsvRecord]:
    return advisories.affecting(question.version) if question.version else advisories.records()


def _brief(records: list[OsvRecord]) -> dict[str, Any]:
    if not records:
        return {}
    return {
        "vulns": [
            {
                "id": record.osv_id,
                "modified": record.modified.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if record.modified else "",
            }
            for record in records
        ]
    }


def _answered(document: dict[str, Any], advisories: PackageAdvisories) -> dict[str, Any]:
    answered = {
        **document,
        "aliases": sorted(advisories.closure(document["id"]) - {document["id"]}),
        "affected": [_affected(entry) for entry in document.get("affected") or ()],
    }
    if not _CLIENT_TIME.fullmatch(str(document.get("published") or "")):
        answered.pop("published", None)
    return answered


def _affected(entry: dict[str, Any]) -> dict[str, Any]:
    package = entry.get("package") or {}
    ecosystem = package.get("ecosystem", "")
    if ecosystem not in ANSWERED_ECOSYSTEMS:
        return entry
    return {
        **entry,
        "package": {**package, "name": normalised_name(ecosystem, package.get("name", ""))},
        "ranges": [each for each in entry.get("ranges") or () if each.get("type") == "GIT" or _is_comparable(each)],
    }


def _is_comparable(given: Mapping[str, Any]) -> bool:
    events = (RangeEvent(kind, str(text)) for event in given.get("events") or () for kind, text in event.items())
    try:
        compile_range(AffectedRange(str(given.get("type")), tuple(events)))
    except Undecidable:
        return False
    return True
