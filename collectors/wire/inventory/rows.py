"""Rows of an inventory from package URLs, and the checks that the formats in JSON share; pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from fleet.inventory import InvalidReport, ReportedComponent, ReportedProblem, component
from fleet.osv import MAX_ID, NO_SEVERITY, Severity, highest_severity, score_vector
from fleet.packages import InvalidPurl, package_of, purl_of

MAX_SUMMARY: Final = 500
_CVSS_KINDS: Final = {"CVSS:4": "CVSS_V4", "CVSS:3": "CVSS_V3"}


def purl_row(
    purl: str, name: str, version: str, *, skip_reason: str = "", problems: Sequence[ReportedProblem] = ()
) -> ReportedComponent:
    """The row of a component with `purl`; `name` and `version` are what stands beside it."""
    try:
        package = package_of(purl)
    except InvalidPurl as error:
        return component("", name, version, skip_reason=str(error), problems=problems)
    reason = skip_reason or ("" if package.ecosystem else f"there are no advisories for {purl.partition('/')[0]}")
    return component(
        package.ecosystem,
        package.name,
        package.version or version,
        purl=purl,
        skip_reason=reason,
        problems=problems,
    )


def plain_row(
    ecosystem: str, name: str, version: str, *, skip_reason: str = "", problems: Sequence[ReportedProblem] = ()
) -> ReportedComponent:
    """The row of a package that is named by ecosystem and name; its package URL is made."""
    purl = purl_of(ecosystem, name, version)
    return component(ecosystem, name, version, purl=purl, skip_reason=skip_reason, problems=problems)


def problem_ids(names: Iterable[str], where: str) -> tuple[str, ...]:
    """Identifiers without blanks and repetitions, in their order. Raises InvalidReport if none is left."""
    ids = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not ids:
        raise InvalidReport(f"{where} has no id")
    if longest := next((len(name) for name in ids if len(name) > MAX_ID), 0):
        raise InvalidReport(f"{where} has an identifier of {longest} characters; the limit is {MAX_ID}")
    return ids


def vector_severity(vectors: Iterable[str]) -> Severity:
    """The highest score among CVSS vectors; vectors without a prefix are those of version 2."""
    given = (vector.strip().strip("()") for vector in vectors)
    return highest_severity(score_vector(_CVSS_KINDS.get(each[:6], "CVSS_V2"), each) for each in given if each)


def score_severity(score: Any, vector: str = "") -> Severity:
    """A score that was given as a number, where no vector says it."""
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not 0 <= score <= 10:
        return NO_SEVERITY
    return Severity(float(score), vector[:300])


def summary(text: str) -> str:
    """One line of at most MAX_SUMMARY characters."""
    return " ".join(text[: 4 * MAX_SUMMARY].split())[:MAX_SUMMARY]


def an_object(value: Any, where: str) -> Mapping[str, Any]:
    """`value` if it is an object, {} for null. Raises InvalidReport."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidReport(f"{where} is not an object")
    return value


def objects(holder: Mapping[str, Any], key: str, where: str) -> list[Mapping[str, Any]]:
    """The list of objects below `key`, [] for null or nothing. Raises InvalidReport."""
    value = holder.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidReport(f"{where}{key} is not a list")
    for index, each in enumerate(value):
        if not isinstance(each, dict):
            raise InvalidReport(f"{where}{key}[{index}] is not an object")
    return value


def text(holder: Mapping[str, Any], key: str, where: str) -> str:
    """The text below `key`, '' for null or nothing. Raises InvalidReport."""
    value = holder.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidReport(f"{where}{key} is not text")
    return value.replace("\x00", "").strip()


def texts(holder: Mapping[str, Any], key: str, where: str) -> list[str]:
    """The list of texts below `key`, [] for null or nothing. Raises InvalidReport."""
    values = holder.get(key)
    if values is None:
        return []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InvalidReport(f"{where}{key} is not a list of texts")
    return [value.replace("\x00", "").strip() for value in values]
