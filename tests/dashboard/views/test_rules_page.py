"""Settings > Rules: what is loaded, how it fares, what is wrong with a file."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from fleet.models import RuleFile, RuleGroup, RuleState
from policies.rules.files import load_rule_file
from tests.dashboard.people import client_with_role

pytestmark = pytest.mark.django_db

FILE = "groups:\n- name: g\n  rules:\n  - {alert: '<b>Down</b>', expr: 'up == 0'}\n  - {record: a:b, expr: up}\n"


def test_an_empty_page_says_how_to_begin() -> None:
    page = client_with_role("operator").get("/settings/rules").content.decode()
    assert "No rules are loaded" in page
    assert "belvedere import rules" in page


def test_rules_are_shown_with_their_health_and_nothing_is_markup(store) -> None:
    load_rule_file(name="rules.yml", text=FILE, actor="system")
    RuleState.objects.filter(position=1).update(health="err", last_error="no <i>such</i> thing")
    RuleGroup.objects.update(missed=3)
    RuleFile.objects.update(problem="line 1: broken")
    page = client_with_role("operator").get("/settings/rules").content.decode()
    assert "&lt;b&gt;Down&lt;/b&gt;" in page
    assert "no &lt;i&gt;such&lt;/i&gt; thing" in page
    assert "3 evaluations missed" in page
    assert "line 1: broken" in page
    assert "not yet evaluated" in page


def test_a_file_is_loaded_and_removed(store) -> None:
    client = client_with_role("operator")
    upload = SimpleUploadedFile("mine.yml", FILE.encode())
    assert client.post("/settings/rules", {"file": upload}).status_code == 302
    file = RuleFile.objects.get(name="mine.yml")
    assert client.post(f"/settings/rules/{file.pk}/remove").status_code == 302
    assert not RuleFile.objects.exists()


def test_a_broken_file_is_refused_with_its_lines(store) -> None:
    upload = SimpleUploadedFile("mine.yml", b"groups:\n- name: g\n  rules:\n  - {record: a}\n")
    page = client_with_role("operator").post("/settings/rules", {"file": upload}).content.decode()
    assert "line 4: " in page
    assert not RuleFile.objects.exists()


def test_a_file_that_is_watched_cannot_be_removed_from_the_page(store) -> None:
    load_rule_file(name="/etc/rules.yml", text=FILE, actor="system", source=RuleFile.Source.DIRECTORY)
    file = RuleFile.objects.get()
    assert client_with_role("operator").post(f"/settings/rules/{file.pk}/remove").status_code == 404


def test_who_may_not_change_rules_cannot(store) -> None:
    load_rule_file(name="rules.yml", text=FILE, actor="system")
    client = client_with_role("security_reviewer")
    assert client.get("/settings/rules").status_code == 403
    assert client.post("/settings/rules", {}).status_code == 403
    assert client.post(f"/settings/rules/{RuleFile.objects.get().pk}/remove").status_code == 403


def test_the_number_of_queries_does_not_grow_with_the_rules(store, django_assert_max_num_queries) -> None:
    for number in range(6):
        load_rule_file(name=f"rules-{number}.yml", text=FILE, actor="system")
    client = client_with_role("operator")
    with django_assert_max_num_queries(12):
        client.get("/settings/rules")
