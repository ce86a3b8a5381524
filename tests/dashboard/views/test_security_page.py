"""The security page: every number opens its rows, and what is not known is never called clean."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.models import AdvisoryFeed, AuditReport, Component, Environment, Finding, RiskAcceptance, Service
from telemetry.store import TelemetryStore
from tests.dashboard.people import client_with_role
from tests.series import write_series

pytestmark = pytest.mark.django_db


@pytest.fixture
def place() -> tuple[Service, Environment]:
    return Service.objects.create(name="api"), Environment.objects.create(name="production")


def finding(place: tuple[Service, Environment], number: int, score: float | None, **values: object) -> Finding:
    now = timezone.now()
    return Finding.objects.create(
        service=place[0], environment=place[1], ecosystem="PyPI", package=f"package-{number}", version="1.0",
        advisory_id=f"PYSEC-2024-{number}", severity_score=score, first_seen_at=now, last_seen_at=now, **values,
    )  # fmt: skip


def report(place: tuple[Service, Environment], *skipped: str, audited: int = 0) -> None:
    made = AuditReport.objects.create(service=place[0], environment=place[1], format="pip-audit", sha256="0")
    for number in range(audited):
        Component.objects.create(report=made, ecosystem="PyPI", name=f"p{number}", version="1")
    for reason in skipped:
        Component.objects.create(report=made, ecosystem="PyPI", name="private", version="1", skip_reason=reason)


def feed(days_old: int) -> AdvisoryFeed:
    moment = timezone.now() - timedelta(days=days_old)
    return AdvisoryFeed.objects.create(
        name="PyPI", source="all.zip", imported_at=moment, newest_modified=moment, advisories=100
    )


def page(query: str = "") -> str:
    return client_with_role("security_reviewer").get(f"/security{query}").content.decode()


def test_without_advisories_nothing_is_called_clean(place: tuple[Service, Environment]) -> None:
    report(place, audited=3)
    shown = page()
    assert "nothing here can be called clean" in shown
    assert "No open findings" not in shown


def test_with_advisories_and_audits_no_finding_is_no_open_finding(place: tuple[Service, Environment]) -> None:
    report(place, audited=3)
    feed(1)
    assert "No open findings" in page()


def test_an_old_feed_is_named_on_the_page(place: tuple[Service, Environment]) -> None:
    feed(400)
    assert "data 400 days old" in page()


def test_each_severity_opens_exactly_its_rows(place: tuple[Service, Environment]) -> None:
    for number, score in enumerate([9.8, 9.1, 7.0, 5.0, None]):
        finding(place, number, score)
    finding(place, 99, 9.9, state=Finding.State.FIXED)
    reviewer = client_with_role("security_reviewer")
    for word, count in {"critical": 2, "high": 1, "medium": 1, "low": 0, "unrated": 1}.items():
        answer = reviewer.get(f"/security?state=open&severity={word}")
        assert answer.context["page"].paginator.count == count, word
        assert answer.context["numbers"].by_severity[word] == count


def test_components_that_could_not_be_audited_are_unknown(place: tuple[Service, Environment]) -> None:
    report(place, "not on the index", "not on the index", "local path")
    shown = page()
    assert "not on the index" in shown
    assert "unknown, not clean" in shown


def test_the_page_costs_the_same_however_many_findings(
    place: tuple[Service, Environment], django_assert_max_num_queries
) -> None:
    for number in range(60):
        service = Service.objects.create(name=f"s{number}")
        finding((service, place[1]), number, 9.0)
    reviewer = client_with_role("security_reviewer")
    reviewer.get("/security")
    with django_assert_max_num_queries(20):
        reviewer.get("/security")


def test_the_csv_holds_every_row_and_no_formula(place: tuple[Service, Environment]) -> None:
    finding(place, 1, 9.8, summary="x")
    Finding.objects.update(package='=HYPERLINK("http://evil")')
    answer = client_with_role("security_reviewer").get("/security?format=csv")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert "'=HYPERLINK" in lines[1]


def test_a_cost_viewer_sees_no_findings() -> None:
    assert client_with_role("cost_viewer").get("/security").status_code == 403


def chosen(place: tuple[Service, Environment]) -> list[int]:
    return [finding(place, number, 9.0).pk for number in range(3)]


def test_a_problem_is_one_group_with_its_services_under_it(place: tuple[Service, Environment]) -> None:
    other = Service.objects.create(name="web")
    finding(place, 1, 9.0)
    finding((other, place[1]), 1, 9.0)
    finding(place, 2, 5.0)
    answer = client_with_role("security_reviewer").get("/security")
    assert [(g.package, g.services) for g in answer.context["page"]] == [("package-1", 2), ("package-2", 1)]
    assert answer.context["found"] == 3


def test_decisions_are_made_in_the_list_and_taken_back(place: tuple[Service, Environment]) -> None:
    pks = chosen(place)
    reviewer = client_with_role("security_reviewer")
    form = {"finding": pks[:2], "give": "not_affected", "reason": "not loaded", "justification": "code_not_present"}
    answer = reviewer.post("/security/decide", {**form, "next": "/security?state=open"}, follow=True)
    assert list(Finding.objects.order_by("pk").values_list("state", flat=True)) == ["not_affected"] * 2 + ["open"]
    assert "2 findings decided" in answer.content.decode()
    undo = f"/security/decisions/{answer.context['undo'].pk}/undo"
    assert "2 findings as before" in reviewer.post(undo, follow=True).content.decode()
    assert set(Finding.objects.values_list("state", flat=True)) == {"open"}


def test_a_decision_without_a_reason_is_refused_in_words(place: tuple[Service, Environment]) -> None:
    form = {"finding": chosen(place), "give": "false_positive"}
    answer = client_with_role("security_reviewer").post("/security/decide", form, follow=True)
    assert "Nothing was changed: a reason is needed" in answer.content.decode()


def test_only_who_may_decides(place: tuple[Service, Environment]) -> None:
    form = {"finding": chosen(place), "give": "under_investigation"}
    operator = client_with_role("operator")
    assert operator.post("/security/decide", form).status_code == 403
    assert "data-decide" not in operator.get("/security").content.decode()


def test_overdue_is_a_number_that_opens_its_rows(place: tuple[Service, Environment]) -> None:
    chosen(place)
    Finding.objects.filter(package="package-0").update(first_seen_at=timezone.now() - timedelta(days=8))
    reviewer = client_with_role("security_reviewer")
    assert reviewer.get("/security").context["overdue"] == 1
    late = reviewer.get("/security?state=open&due=overdue")
    assert [group.package for group in late.context["page"]] == ["package-0"]
    assert "1 days overdue" in late.content.decode() or "24 h overdue" in late.content.decode()


def test_factors_of_the_rank_can_be_left_out(place: tuple[Service, Environment]) -> None:
    finding(place, 1, 2.0)
    quiet = Service.objects.create(name="quiet", internet_facing=False)
    finding((quiet, place[1]), 2, 2.5)
    reviewer = client_with_role("security_reviewer")
    assert [group.package for group in reviewer.get("/security").context["page"]] == ["package-1", "package-2"]
    without = reviewer.get("/security?without=exposure").context["page"]
    assert [group.package for group in without] == ["package-2", "package-1"]


def test_a_replica_change_moves_the_rank_at_once(place: tuple[Service, Environment], store: TelemetryStore) -> None:
    finding(place, 1, 5.0)
    finding((Service.objects.create(name="web"), place[1]), 2, 5.0)
    now_ms = int(time.time() * 1000)
    name = "kube_deployment_status_replicas_available"
    write_series(
        store, (name, {"service": "api"}, [(now_ms - 60_000, 2)]), (name, {"service": "web"}, [(now_ms - 60_000, 4)])
    )
    reviewer = client_with_role("security_reviewer")
    assert [group.package for group in reviewer.get("/security").context["page"]] == ["package-2", "package-1"]
    write_series(store, (name, {"service": "api"}, [(now_ms - 1000, 40)]))
    groups = reviewer.get("/security").context["page"]
    assert [group.package for group in groups] == ["package-1", "package-2"]
    assert "40 replicas now" in [factor.words for factor in groups[0].members[0].rank.factors]


def test_fix_first_names_the_version_to_move_to(place: tuple[Service, Environment]) -> None:
    finding(place, 1, 9.0, fix_versions=["1.2", "2.1"])
    finding((Service.objects.create(name="web"), place[1]), 1, 9.0, fix_versions=["1.2", "2.1"])
    upgrade = client_with_role("security_reviewer").get("/security").context["upgrades"][0]
    assert (upgrade.target, len(upgrade.findings), upgrade.share_ratio) == ("1.2", 2, 1.0)


def test_a_risk_is_accepted_in_the_list_and_ended_again(place: tuple[Service, Environment]) -> None:
    pk = finding(place, 1, 9.0).pk
    reviewer = client_with_role("security_reviewer")
    form = {"finding": pk, "give": "accepted", "reason": "internal", "days": "30", "condition": "sum(up) < 3"}
    assert "1 accepted" in reviewer.post("/security/decide", form, follow=True).content.decode()
    assert Finding.objects.get().state == "accepted"
    shown = reviewer.get("/security").content.decode()
    assert "sum(up) &lt; 3" in shown
    acceptance = RiskAcceptance.objects.get()
    reviewer.post(f"/security/acceptances/{acceptance.pk}", {"do": "end"})
    assert Finding.objects.get().state == "open"


def test_an_acceptance_that_the_policy_forbids_is_refused_in_words(place: tuple[Service, Environment]) -> None:
    form = {"finding": finding(place, 1, 9.0).pk, "give": "accepted", "reason": "x", "days": "400"}
    answer = client_with_role("security_reviewer").post("/security/decide", form, follow=True)
    assert "400 days is longer than the 90 of the policy" in answer.content.decode()


def test_a_package_in_quotation_marks_is_exactly_that_package(place: tuple[Service, Environment]) -> None:
    for number in (1, 11):
        finding(place, number, 9.0, fix_versions=["2"])
    reviewer = client_with_role("security_reviewer")
    assert reviewer.get('/security?package="package-1"').context["found"] == 1
    assert reviewer.get("/security?package=package-1").context["found"] == 2
