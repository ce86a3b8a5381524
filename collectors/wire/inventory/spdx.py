"""Reads SPDX 2.2 and 2.3 documents in JSON; pure. Source: https://spdx.github.io/spdx-spec/v2.3/"""

from collections.abc import Mapping
from typing import Any, Final

from collectors.wire.inventory.rows import objects, purl_row, text, texts
from fleet.inventory import InvalidReport, ReportedComponent, component

VERSIONS: Final = ("SPDX-2.2", "SPDX-2.3")
_PURL_TYPES: Final = ("purl", "http://spdx.org/rdf/references/purl")
_NOTHING: Final = ("NOASSERTION", "NONE")


def read_spdx(document: Mapping[str, Any]) -> list[ReportedComponent]:
    """One row a package, except the ones that the document describes: these are the service itself."""
    version = text(document, "spdxVersion", "")
    if version not in VERSIONS:
        raise InvalidReport(f"{version} is not read; there are {', '.join(VERSIONS)}")
    described = _described(document)
    rows = []
    for index, given in enumerate(objects(document, "packages", "")):
        where = f"packages[{index}]."
        purl = _purl(given, where)
        if purl or text(given, "SPDXID", where) not in described:
            rows.append(_row(given, purl, where))
    return rows


def _described(document: Mapping[str, Any]) -> set[str]:
    own = text(document, "SPDXID", "")
    related = [
        text(each, "relatedSpdxElement", "relationships.")
        for each in objects(document, "relationships", "")
        if each.get("relationshipType") == "DESCRIBES" and each.get("spdxElementId") == own
    ]
    return {*texts(document, "documentDescribes", ""), *related}


def _purl(given: Mapping[str, Any], where: str) -> str:
    references = objects(given, "externalRefs", where)
    named = [text(each, "referenceLocator", where) for each in references if each.get("referenceType") in _PURL_TYPES]
    return next(iter(named), "")


def _row(given: Mapping[str, Any], purl: str, where: str) -> ReportedComponent:
    name, version = text(given, "name", where), text(given, "versionInfo", where)
    if not name:
        raise InvalidReport(f"{where}name is missing")
    version = "" if version in _NOTHING else version
    return purl_row(purl, name, version) if purl else component("", name, version)
