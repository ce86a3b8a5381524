"""The REST API: who may ask, what it answers, and that lists cost a fixed number of queries."""

import json
from datetime import UTC, datetime

import pytest
from django.test import Client

from fleet.models import ApiToken, AuditEvent, Deployment, Environment, Service, Target, Team
from fleet.tokens import create_token, forget_cached_tokens

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_tokens() -> None:
    forget_cached_tokens()


def client_with(*scopes: str) -> Client:
    _, text = create_token(name="test", scopes=scopes, actor="system")
    return Client(headers={"authorization": f"Bearer {text}"})


@pytest.fixture
def reader() -> Client:
    return client_with("query")


@pytest.fixture
def admin() -> Client:
    return client_with("admin")


def test_without_a_token_nothing_answers(client: Client) -> None:
    for path in ("/api/services", "/api/openapi.json", "/api/findings", "/api/tokens"):
        assert client.get(path).status_code == 401, path


def test_a_token_without_the_scope_is_refused() -> None:
    response = client_with("ingest:logs").get("/api/services")
    assert response.status_code == 403


def test_services_are_listed_by_name_in_pages(reader: Client) -> None:
    for name in ("b", "a", "c"):
        Service.objects.create(name=name)
    first = reader.get("/api/services?limit=2").json()
    assert [item["name"] for item in first["items"]] == ["a", "b"]
    second = reader.get(f"/api/services?limit=2&after={first['next']}").json()
    assert [item["name"] for item in second["items"]] == ["c"]
    assert second["next"] is None


def test_listing_services_costs_the_same_however_many(reader: Client, django_assert_max_num_queries) -> None:
    production = Environment.objects.create(name="production")
    for number in range(30):
        service = Service.objects.create(name=f"s{number}", team=Team.objects.create(name=f"t{number}"))
        Deployment.objects.create(
            service=service, environment=production, version="1", deployed_at=datetime(2026, 1, 1, tzinfo=UTC)
        )
    reader.get("/api/services")
    with django_assert_max_num_queries(4):
        assert len(reader.get("/api/services").json()["items"]) == 30


def test_a_service_with_an_odd_name_is_found(reader: Client) -> None:
    Service.objects.create(name="über service")
    assert reader.get("/api/services/%C3%BCber%20service").json()["name"] == "über service"


def test_an_unknown_service_is_named(reader: Client) -> None:
    response = reader.get("/api/services/nobody")
    assert response.status_code == 404
    assert "'nobody'" in response.json()["error"]


def test_changing_a_service_needs_more_than_reading(reader: Client, admin: Client) -> None:
    Service.objects.create(name="api")
    Team.objects.create(name="Payments")
    body = json.dumps({"team": "Payments", "internet_facing": True})
    assert reader.patch("/api/services/api", body, content_type="application/json").status_code == 403
    assert admin.patch("/api/services/api", body, content_type="application/json").json()["team"] == "Payments"
    assert AuditEvent.objects.get(action="service.changed").detail["after"]["internet_facing"] is True


def test_fields_that_do_not_exist_are_refused(admin: Client) -> None:
    Service.objects.create(name="api")
    response = admin.patch("/api/services/api", '{"origin": "self"}', content_type="application/json")
    assert response.status_code == 422
    assert "origin" in response.json()["error"]


def test_an_unknown_team_is_named(admin: Client) -> None:
    Service.objects.create(name="api")
    response = admin.patch("/api/services/api", '{"team": "Nobody"}', content_type="application/json")
    assert (response.status_code, "'Nobody'" in response.json()["error"]) == (422, True)


def test_targets_are_added_once_and_removed(admin: Client) -> None:
    body = json.dumps({"url": "http://api:9100/metrics", "job": "node"})
    created = admin.post("/api/targets", body, content_type="application/json")
    assert created.status_code == 201
    assert admin.post("/api/targets", body, content_type="application/json").status_code == 409
    assert admin.delete(f"/api/targets/{created.json()['id']}").status_code == 204
    assert not Target.objects.exists()


def test_an_address_that_is_not_http_is_refused(admin: Client) -> None:
    body = json.dumps({"url": "file:///etc/passwd", "job": "node"})
    assert admin.post("/api/targets", body, content_type="application/json").status_code == 422


def test_tokens_are_listed_without_their_secrets(admin: Client) -> None:
    listed = admin.get("/api/tokens").json()
    token = ApiToken.objects.get()
    assert [entry["id"] for entry in listed] == [token.public_id]
    assert token.secret_hash not in json.dumps(listed)


def test_a_revoked_token_stops_working(admin: Client) -> None:
    own = ApiToken.objects.get()
    assert admin.delete(f"/api/tokens/{own.public_id}").status_code == 204
    assert admin.get("/api/tokens").status_code == 401


def test_the_audit_trail_is_paged_newest_first(admin: Client) -> None:
    for number in range(3):
        Team.objects.create(name=str(number))
        create_token(name=str(number), scopes=["query"], actor="system")
    first = admin.get("/api/audit-events?limit=2").json()
    second = admin.get(f"/api/audit-events?limit=2&after={first['next']}").json()
    ids = [item["id"] for item in first["items"] + second["items"]]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 4


def test_openapi_describes_every_operation(reader: Client) -> None:
    document = reader.get("/api/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert {"/api/services", "/api/logs", "/api/findings", "/api/targets"} <= set(document["paths"])


@pytest.mark.parametrize("severity", ["loud", "9"])
def test_an_unknown_severity_names_the_words_there_are(reader: Client, severity: str) -> None:
    response = reader.get(f"/api/logs?severity={severity}")
    assert response.status_code == 400
    assert "info" in response.json()["error"]
