"""The report that `pip-audit -f json` writes: is it one?

Source: `pip_audit/_format/json.py` of pip-audit 2.10
"""

from typing import Any

from collectors.wire.json_document import objects, parse_shallow_json, text
from collectors.wire.limits import DecodeLimits
from telemetry.model.errors import InvalidInput


def decode_pip_audit(body: bytes, limits: DecodeLimits) -> dict[str, Any]:
    """The document, whose shape is checked: `dependencies` with a name and either version and vulns or a skip_reason.

    Raises InvalidInput naming what is missing, LimitExceeded.
    """
    document = parse_shallow_json(body, limits)
    if not isinstance(document, dict) or "dependencies" not in document:
        raise InvalidInput("this is not a pip-audit report: it has no list of `dependencies` (write it with `-f json`)")
    for dependency in objects(document["dependencies"], "dependencies"):
        _check(dependency)
    return document


def _check(dependency: dict[str, Any]) -> None:
    name = text(dependency.get("name"), "the name of a dependency")
    if not name:
        raise InvalidInput("a dependency has no name")
    if "skip_reason" in dependency:
        text(dependency["skip_reason"], f"the skip_reason of {name}")
        return
    if not text(dependency.get("version"), f"the version of {name}"):
        raise InvalidInput(f"the dependency {name} has neither a version nor a skip_reason")
    for found in objects(dependency.get("vulns"), f"the vulns of {name}"):
        if not text(found.get("id"), f"the id of a vulnerability of {name}"):
            raise InvalidInput(f"a vulnerability of {name} has no id")
        for listed in ("fix_versions", "aliases"):
            _check_texts(found.get(listed), f"{listed} of {found['id']}")
        text(found.get("description"), f"the description of {found['id']}")


def _check_texts(value: Any, what: str) -> None:
    if value is not None and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
        raise InvalidInput(f"{what} is not a list of texts")
