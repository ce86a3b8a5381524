"""The inventory page: what runs now, what ran on a day, and why something is unknown."""

from datetime import timedelta
from hashlib import sha256

import pytest
from django.test import Client
from django.utils import timezone

from fleet.actions.dependencies import import_inventory
from fleet.inventory import ReportedInventory, component
from fleet.models import AuditReport
from fleet.tokens import create_token, forget_cached_tokens
from tests.dashboard.people import client_with_role

pytestmark = pytest.mark.django_db

HTML = "<script>alert(1)</script>"


def send(*names: str, environment: str = "production") -> None:
    rows = tuple(component("npm" if name.isalpha() else "", name, "1.0.0") for name in names)
    inventory = ReportedInventory("cyclonedx", rows, sha256(repr(rows).encode()).hexdigest(), audited=True)
    import_inventory(service="shop", environment=environment, inventory=inventory, actor="test")


@pytest.fixture
def viewer() -> Client:
    return client_with_role("security_reviewer")


@pytest.fixture
def two_days() -> str:
    """`old` ran until now, `new` runs since; returns the day in between."""
    send("old")
    now = timezone.now()
    AuditReport.objects.update(first_received_at=now - timedelta(days=9))
    send("new")
    AuditReport.objects.filter(current=False).update(replaced_at=now - timedelta(days=3))
    AuditReport.objects.filter(current=True).update(first_received_at=now - timedelta(days=3))
    return (now - timedelta(days=5)).date().isoformat()


def test_the_page_shows_what_runs_now_and_what_ran_then(viewer: Client, two_days: str) -> None:
    now, then = (viewer.get(f"/security/inventory{query}").content.decode() for query in ("", f"?at={two_days}"))
    assert ">new<" in now
    assert ">old<" not in now
    assert ">old<" in then
    assert ">new<" not in then


def test_the_api_answers_what_ran_where_on_a_day(two_days: str) -> None:
    forget_cached_tokens()
    _, text = create_token(name="test", scopes=["query"], actor="system")
    client = Client(headers={"authorization": f"Bearer {text}"})
    names = [
        [item["name"] for item in client.get(f"/api/components?service=shop{query}").json()["items"]]
        for query in ("", f"&at={two_days}", "&at=2020-01-01T00:00:00Z", "&package=ne")
    ]
    assert names == [["new"], ["old"], [], ["new"]]


def test_names_from_outside_are_text_and_the_unknown_says_why(viewer: Client) -> None:
    send("fine", HTML)
    page = viewer.get("/security/inventory?unknown=1").content.decode()
    assert HTML not in page
    assert "no package URL" in page
    assert ">fine<" not in page


def test_the_page_costs_the_same_however_many_components(viewer: Client, django_assert_max_num_queries) -> None:
    send(*(f"package{chr(97 + n)}" for n in range(26)))
    send(*(f"other{chr(97 + n)}" for n in range(26)), environment="staging")
    with django_assert_max_num_queries(16):
        viewer.get("/security/inventory")
