"""Clients of Dependency-Track upload their BOMs here unchanged."""

import base64
import json
import uuid
from typing import Any

import pytest

from collectors.receivers.app import ReceiverApp
from collectors.receivers.dependency_track import project_id
from collectors.wire.multipart import read_form
from fleet.actions.services import ensure_service
from fleet.models import AuditReport, Component
from telemetry.model.errors import InvalidInput
from tests.collectors.receivers.pushes import Sender, new_token

pytestmark = pytest.mark.django_db(transaction=True)

BOM = json.dumps(
    {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "components": [{"type": "library", "name": "a", "purl": "pkg:pypi/a@1.0"}],
    }
).encode()


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("went past the receivers")


@pytest.fixture
def sender() -> Sender:
    return Sender(ReceiverApp(nothing))


@pytest.fixture
def key() -> str:
    return new_token("ingest:audits").removeprefix("Bearer ")


def form(**fields: bytes) -> tuple[bytes, str]:
    parts = [
        b'--frontier\r\nContent-Disposition: form-data; name="' + name.encode() + b'"; filename="x"\r\n\r\n' + content
        for name, content in fields.items()
    ]
    return b"\r\n".join(parts) + b"\r\n--frontier--\r\n", "multipart/form-data; boundary=frontier"


def test_a_bom_is_put_as_json_and_its_token_is_never_processing(sender: Sender, key: str) -> None:
    upload = {
        "projectName": "shop",
        "projectVersion": "1.4.2",
        "autoCreate": True,
        "bom": base64.b64encode(BOM).decode(),
    }
    answer = sender.push(
        "/api/v1/bom", json.dumps(upload).encode(), method="PUT", x_api_key=key, content_type="application/json"
    )
    assert answer.status == 200, answer.text
    token = json.loads(answer.body)["token"]
    report = AuditReport.objects.get()
    assert (report.service.name, report.version, report.environment.name) == ("shop", "1.4.2", "production")
    assert Component.objects.get().purl == "pkg:pypi/a@1.0"
    for path in (f"/api/v1/event/token/{token}", f"/api/v1/bom/token/{token}"):
        assert json.loads(sender.push(path, method="GET", x_api_key=key).body) == {"processing": False}


def test_a_bom_is_posted_as_a_form_for_a_project_by_its_identifier(sender: Sender, key: str) -> None:
    ensure_service("shop")
    known = json.loads(sender.push("/api/v1/project/lookup?name=shop&version=1", method="GET", x_api_key=key).body)
    assert known == {"uuid": project_id("shop"), "name": "shop", "version": "1"}
    body, kind = form(project=known["uuid"].encode(), bom=BOM)
    answer = sender.push("/api/v1/bom", body, x_api_key=key, content_type=kind)
    assert uuid.UUID(json.loads(answer.body)["token"])
    assert AuditReport.objects.get().service.name == "shop"


def test_clients_are_told_a_version(sender: Sender, key: str) -> None:
    assert (
        json.loads(sender.push("/api/version", method="GET", x_api_key=key).body)["application"] == "Dependency-Track"
    )


@pytest.mark.parametrize(
    ("upload", "sentence"),
    [
        ({"bom": "aaaa"}, "neither project nor projectName"),
        ({"projectName": "a"}, "bom is missing"),
        ({"projectName": "a", "bom": "a"}, "bom is not base64"),
        ({"project": "nobody", "bom": base64.b64encode(BOM).decode()}, "no project 'nobody'"),
        ({"projectName": "a", "bom": base64.b64encode(b"<bom/>").decode()}, "XML is not read"),
    ],
)
def test_an_upload_is_refused_by_what_is_wrong(sender: Sender, key: str, upload: Any, sentence: str) -> None:
    answer = sender.push("/api/v1/bom", json.dumps(upload).encode(), method="PUT", x_api_key=key)
    assert answer.status == 400
    assert sentence in json.loads(answer.body)["error"]


def test_without_a_key_nothing_is_taken(sender: Sender) -> None:
    assert sender.push("/api/v1/bom", b"{}", method="PUT").status == 401


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (form(bom=BOM)[0][:-14], "cut off"),
        (b"--frontier\r\n\r\nx\r\n--frontier--", "has no name"),
        (form(**{f"f{n}": b"x" for n in range(40)})[0], "more than 32 parts"),
    ],
)
def test_a_broken_form_is_refused(body: bytes, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        read_form(body, "frontier")
