"""Uploads of BOMs as Dependency-Track's clients send them: JSON with base64, or a form; pure.

Source: https://docs.dependencytrack.org/usage/cicd/
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from collectors.wire.json_document import parse_json, text
from collectors.wire.limits import DecodeLimits
from collectors.wire.multipart import read_form
from telemetry.model.errors import InvalidInput

_FIELDS: Final = ("project", "projectName", "projectVersion")


@dataclass(frozen=True, slots=True)
class UploadedBom:
    """One upload; `project` is the identifier of a project, '' where its name is given instead."""

    project: str
    project_name: str
    project_version: str
    bom: bytes


def decode_json_upload(body: bytes, limits: DecodeLimits) -> UploadedBom:
    """`PUT /api/v1/bom`. Raises InvalidInput."""
    document = parse_json(body, limits)
    if not isinstance(document, dict):
        raise InvalidInput("the body is not a JSON object")
    encoded = text(document.get("bom"), "bom")
    try:
        bom = base64.b64decode(encoded, validate=False)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(f"bom is not base64: {error}") from error
    return _checked({name: text(document.get(name), name) for name in _FIELDS}, bom)


def decode_form_upload(body: bytes, boundary: str) -> UploadedBom:
    """`POST /api/v1/bom` as multipart/form-data. Raises InvalidInput."""
    form = read_form(body, boundary)
    given = {name: form.get(name, b"").decode("utf-8", "replace") for name in _FIELDS}
    return _checked(given, form.get("bom", b""))


def _checked(given: Mapping[str, str], bom: bytes) -> UploadedBom:
    upload = UploadedBom(given["project"].strip(), given["projectName"].strip(), given["projectVersion"].strip(), bom)
    if not bom.strip():
        raise InvalidInput("bom is missing or empty")
    return upload
