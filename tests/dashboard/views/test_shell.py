"""The frame of every page: navigation by role, theme without a flash, the palette, error pages."""

import re
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from dashboard.accounts.models import User
from dashboard.panels.freshness import freshness_of
from dashboard.templatetags import formats
from dashboard.views.shell import current_page
from telemetry.store import TelemetryStore, set_current
from tests.dashboard.people import client_with_role
from tests.dashboard.views.fleet_data import make_services

pytestmark = pytest.mark.django_db

SEEN = {
    "administrator": {"Overview", "Metrics", "Logs", "Scaling", "Cost", "Security", "Settings"},
    "operator": {"Overview", "Metrics", "Logs", "Scaling", "Cost", "Security", "Settings"},
    "security_reviewer": {"Overview", "Metrics", "Logs", "Scaling", "Security"},
    "cost_viewer": {"Overview", "Cost"},
}


@pytest.mark.parametrize("role", SEEN)
def test_the_navigation_shows_what_the_role_may_open(store: TelemetryStore, role: str) -> None:
    page = client_with_role(role).get("/").content.decode()
    links = set(re.findall(r'<a class="nav__link"[^>]*>.*?<span>(\w+)</span></a>', page))
    assert links == SEEN[role]


def test_every_entry_of_the_navigation_opens(store: TelemetryStore) -> None:
    client = client_with_role("administrator")
    page = client.get("/").content.decode()
    for path in re.findall(r'<a class="nav__link" href="([^"]+)"', page):
        assert client.get(path).status_code == 200, path


def test_the_range_follows_from_page_to_page(store: TelemetryStore) -> None:
    page = client_with_role("administrator").get("/logs?from=now-3h&q=x").content.decode()
    assert 'href="/metrics-explorer?from=now-3h"' in page


def test_the_theme_is_rendered_by_the_server_and_kept(store: TelemetryStore) -> None:
    client = client_with_role("operator")
    assert 'data-theme="system"' in client.get("/").content.decode()
    answer = client.post("/shell/theme", {"theme": "dark"}, headers={"X-Requested-With": "fetch"})
    assert answer.status_code == 204
    assert User.objects.get(username="operator-user").theme == "dark"
    assert 'data-theme="dark"' in client.get("/").content.decode()


def test_a_plain_form_changes_the_theme_and_returns_only_to_a_page_of_ours(store: TelemetryStore) -> None:
    client = client_with_role("operator")
    assert client.post("/shell/theme", {"theme": "light", "next": "/logs"}).headers["location"] == "/logs"
    assert client.post("/shell/theme", {"theme": "light", "next": "//evil.example"}).headers["location"] == "/"
    assert client.post("/shell/theme", {"theme": "pink"}).status_code == 400


def test_the_palette_lists_pages_and_services_of_the_role(store: TelemetryStore) -> None:
    make_services("check/out")
    entries = client_with_role("operator").get("/shell/palette.json").json()["entries"]
    assert {"name": "check/out", "href": "/services/check%2Fout", "kind": "service"} in entries
    names = {entry["name"] for entry in client_with_role("cost_viewer").get("/shell/palette.json").json()["entries"]}
    assert names == {"Overview", "Cost", "Your account"}


def test_nothing_of_the_frame_answers_a_stranger() -> None:
    for path in ("/", "/logs", "/metrics-explorer", "/services/x", "/shell/palette.json"):
        assert Client().get(path).status_code == 302


@pytest.mark.parametrize(
    ("path", "entry"),
    [("/", "/"), ("/services/x", "/"), ("/logs", "/logs"), ("/logs/record", "/logs"), ("/settings/tokens", "/settings"),
     ("/account", ""), ("/logsx", "")],
)  # fmt: skip
def test_the_current_entry_is_marked(path: str, entry: str) -> None:
    assert current_page(path) == entry


@pytest.mark.parametrize("template", ["400.html", "403.html", "404.html", "500.html"])
def test_error_pages_need_nothing(template: str) -> None:
    assert "<h1>" in render_to_string(template)
    assert "<h1>" in render_to_string(template, {}, RequestFactory().get("/x"))


def test_an_address_that_is_not_there_has_a_page_of_ours(store: TelemetryStore) -> None:
    answer = client_with_role("operator").get("/services/none")
    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.content.decode()


def test_freshness_is_live_late_then_stale() -> None:
    assert [freshness_of(0, age).word for age in (0, 120_000, 120_001, 300_000, 300_001)] == [
        "live", "live", "late", "late", "stale",
    ]  # fmt: skip


def test_the_frame_stands_without_telemetry() -> None:
    set_current(None)
    assert "telemetry is not available" in client_with_role("operator").get("/account").content.decode()


def rendered(source: str, **context: object) -> str:
    return Template("{% load formats components icons %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("filter_name", "value", "text"),
    [
        ("number", 0, "0"), ("number", 0.04213, "0.0421"), ("number", 7.3149, "7.31"), ("number", 128.4, "128"),
        ("number", 4237, "4237"), ("number", 12_800, "12.8k"), ("number", 3_000_000, "3M"), ("number", -0.5, "-0.5"),
        ("number", None, "\u2013"), ("number", float("nan"), "\u2013"), ("number", "text", "\u2013"),
        ("count", 12_804, "12,804"), ("count", None, "\u2013"),
        ("percent", 0, "0%"), ("percent", 0.00001, "<0.01%"), ("percent", 0.0042, "0.42%"), ("percent", 0.042, "4.2%"),
        ("percent", 0.87, "87%"), ("percent", None, "\u2013"),
        ("seconds", 0, "0 s"), ("seconds", 0.00084, "840 µs"), ("seconds", 0.0124, "12.4 ms"),
        ("seconds", 1.3, "1.3 s"),
        ("seconds", 270, "4.5 min"), ("seconds", 11_520, "3.2 h"), ("seconds", 12 * 86_400, "12 d"),
        ("in_bytes", 512, "512 B"), ("in_bytes", 1536, "1.5 KiB"), ("in_bytes", 2.3 * 2**30, "2.3 GiB"),
        ("money", Decimal("0.42"), "$0.42"), ("money", 12_804, "$12,804"), ("money", None, "\u2013"),
    ],
)  # fmt: skip
def test_values_are_written_with_their_units(filter_name: str, value: object, text: str) -> None:
    assert getattr(formats, filter_name)(value) == text


def test_other_currencies_are_named() -> None:
    assert formats.money(Decimal("12.5"), "EUR") == "12.50 EUR"


def test_ages_and_moments_are_machine_readable() -> None:
    at = datetime(2026, 11, 22, 14, 3, 9, tzinfo=UTC)
    assert '<time datetime="2026-11-22T14:03:09.000+00:00"' in formats.moment(at)
    assert "22 Nov 14:03:09" in formats.moment(int(at.timestamp() * 1000))
    assert formats.ago(None) == "never"
    assert "12 min ago" in formats.ago(int((time.time() - 725) * 1000))


def test_components_escape_what_they_show() -> None:
    assert "<b>" not in rendered("{% badge 'ok' text title %}", text="<b>", title='"><b>')
    assert "<b>" not in rendered("{% sparkline values label %}", values=[1, 2], label='"><b>')
    assert rendered("{% meter ratio %}", ratio=None) == ""
    assert "meter--crit" in rendered("{% meter ratio %}", ratio=1.5)
