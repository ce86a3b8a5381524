"""The part of Dependency-Track's API that uploads BOMs, so that its clients need another address only.

A project is a service; its identifier is made from the name, so that nothing has to be stored.
Source: https://docs.dependencytrack.org/integrations/rest-api/
"""

import uuid
from typing import Final

from collectors.receivers.limits import decode_limits
from collectors.receivers.message import Received, Reply, json_error, json_reply
from collectors.wire.compression import decompress
from collectors.wire.dependency_track import UploadedBom, decode_form_upload, decode_json_upload
from collectors.wire.inventory.detect import read_inventory
from fleet.actions.dependencies import import_inventory
from fleet.models import Service
from telemetry.model.errors import InvalidInput

SOURCE: Final = "bom"
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:belvedere:service")
_VERSION: Final = {
    "application": "Dependency-Track",
    "version": "4.13.0",
    "timestamp": "2025-04-07T00:00:00Z",
    "framework": {"name": "Belvedere"},
}
"""What clients ask for before they choose what to send."""


def project_id(service: str) -> str:
    """The identifier of the project that stands for `service`."""
    return str(uuid.uuid5(_NAMESPACE, service))


def upload(request: Received) -> Reply:
    """`PUT` (JSON) or `POST` (form) `/api/v1/bom`: 200 with a token. The BOM is worked on before the answer."""
    limits = decode_limits()
    body = decompress(request.body, request.content_encoding, limits)
    if request.content_type == "multipart/form-data":
        given = decode_form_upload(body, request.content_parameters.get("boundary", ""))
    else:
        given = decode_json_upload(body, limits)
    limits.check_decoded(len(given.bom))
    receipt = import_inventory(
        service=_service(request, given),
        environment=request.query.get("environment") or "production",
        inventory=read_inventory(given.bom, limits),
        actor=request.principal.actor,
        source=SOURCE,
        version=given.project_version,
    )
    return json_reply(200, {"token": str(uuid.uuid5(_NAMESPACE, f"report {receipt.report.pk}"))})


def event(request: Received) -> Reply:
    """`GET /api/v1/event/token/TOKEN`: nothing is worked on later, so nothing is processing."""
    token = request.path.rpartition("/")[2]
    try:
        uuid.UUID(token)
    except ValueError:
        return json_error(400, f"{token[:50]!r} is no token", request.content_type)
    return json_reply(200, {"processing": False})


def version(request: Received) -> Reply:
    """`GET /api/version`."""
    return json_reply(200, {**_VERSION, "uuid": str(_NAMESPACE), "systemUuid": str(_NAMESPACE)})


def lookup(request: Received) -> Reply:
    """`GET /api/v1/project/lookup?name=...&version=...`."""
    name = request.query.get("name", "")
    if not Service.objects.filter(name=name).exists():
        return json_error(404, f"there is no service {name[:100]!r}", request.content_type)
    return json_reply(200, {"uuid": project_id(name), "name": name, "version": request.query.get("version", "")})


def _service(request: Received, given: UploadedBom) -> str:
    if request.service or given.project_name:
        return request.service or given.project_name
    if not given.project:
        raise InvalidInput("neither project nor projectName says whose BOM it is")
    names = Service.objects.order_by("pk").values_list("name", flat=True).iterator()
    found = next((name for name in names if project_id(name) == given.project.lower()), None)
    if found is None:
        raise InvalidInput(f"there is no project {given.project[:50]!r}; name it with projectName")
    return found
