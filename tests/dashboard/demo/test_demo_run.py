"""A run through the real receivers into the real store: whole, never doubled, removed without touching real data."""

import asyncio
import io
import time
from collections import Counter
from pathlib import Path

import pytest
from django.core.management.base import OutputWrapper

from collectors.bills import import_bill
from collectors.receivers.app import ReceiverApp
from dashboard.demo.plan import DemoRefused, Wishes, planned
from dashboard.demo.progress import Progress
from dashboard.demo.removal import remove_demo
from dashboard.demo.run import Demo
from dashboard.demo.sender import DemoFailed, Post
from dashboard.demo.state import DemoRuns, DemoStateBroken, load_state, only_one
from dashboard.demo.story import DAY, HOUR, MINUTE
from fleet.actions.mapping import add_rule
from fleet.mapping import forget_cached_rules
from fleet.models import (
    ApiToken,
    AuditEvent,
    AuditReport,
    CostImport,
    Deployment,
    Environment,
    Finding,
    MappingRule,
    Service,
    Team,
)  # fmt: skip
from fleet.tokens import create_token
from telemetry.store import TelemetryStore
from telemetry.store.charges import ChargeTable
from tests.collectors.receivers.pushes import Sender as Pusher
from tests.series import write_series

pytestmark = pytest.mark.django_db(transaction=True)

MIDNIGHT = time.time_ns() // 1_000_000 // DAY * DAY - DAY
NOW = MIDNIGHT + 5 * HOUR + 30 * MINUTE
SMALL = Wishes(days=1, services=3)


async def nothing_else(scope: object, receive: object, send: object) -> None:
    raise AssertionError("the receivers serve everything that the fleet sends")


class Pushing:
    """Brings posts to the receivers without a network; refuses from the post numbered `fail_at` on."""

    def __init__(self, fail_at: int | None = None) -> None:
        scopes = ("ingest:metrics", "ingest:logs", "ingest:audits", "ingest:deploys", "ingest:costs")
        _, text = create_token(name="demo", scopes=scopes, actor="system", simulated=True)
        self._pusher = Pusher(ReceiverApp(nothing_else), f"Bearer {text}")
        self._fail_at = fail_at
        self.statuses: Counter[tuple[str, int]] = Counter()

    async def send(self, post: Post) -> None:
        if self._fail_at is not None and sum(self.statuses.values()) >= self._fail_at:
            raise DemoFailed("the power is gone")
        headers = {name.replace("-", "_"): value for name, value in post.headers.items()}
        answer = await asyncio.to_thread(self._pusher.push, post.path, post.body, **headers)
        self.statuses[post.path.partition("?")[0], answer.status] += 1
        if answer.status >= 300:
            raise DemoFailed(f"{post.path}: {answer.status} {answer.text}")


@pytest.fixture(autouse=True)
def clean(store: TelemetryStore) -> None:
    table = ChargeTable(store)
    table.remove(list(table.batches()))
    forget_cached_rules()


def run(data: Path, *, now_ms: int = NOW, wishes: Wishes = SMALL, fail_at: int | None = None) -> Pushing:
    sender = Pushing(fail_at)
    state = planned(data, wishes, now_ms)
    demo = Demo(data, state, Progress(OutputWrapper(io.StringIO())), clock=lambda: now_ms)
    asyncio.run(demo.run(sender))
    return sender


def counts(store: TelemetryStore) -> dict[str, int]:
    store.flush()
    distinct = "SELECT uniqExact(metric, series, timestamp), uniqExact(series) FROM samples"
    samples, series = store.engine.rows(distinct)[0]
    return {
        "samples": samples,
        "series": series,
        "records": store.engine.rows("SELECT count() FROM log_records")[0][0],
        "charges": store.engine.rows("SELECT count() FROM charges")[0][0],
        "deployments": Deployment.objects.count(),
        "reports": AuditReport.objects.count(),
        "findings": Finding.objects.count(),
        "bills": CostImport.objects.count(),
        "services": Service.objects.count(),
    }


def test_everything_arrives_and_is_marked_as_simulated(store: TelemetryStore, tmp_path: Path) -> None:
    sender = run(tmp_path)
    assert {path for path, _ in sender.statuses} == {
        "/api/v1/write", "/loki/api/v1/push", "/v1/logs", "/api/audits", "/api/deployments", "/api/costs",
    }  # fmt: skip
    found = counts(store)
    assert found["samples"] > 3 * 1440 * 20
    assert found["records"] > 100
    assert (found["reports"], found["bills"], found["services"]) == (6, 1, 3)
    assert min(found["deployments"], found["charges"]) > 0
    assert {service.origin for service in Service.objects.all()} == {"simulated"}
    assert {service.team.name for service in Service.objects.select_related("team")} == {
        "Storefront", "Payments", "Platform",
    }  # fmt: skip
    assert CostImport.objects.get().simulated
    assert set(store.services_seen()) == {"storefront", "checkout", "gateway"}


def test_a_second_run_doubles_nothing(store: TelemetryStore, tmp_path: Path) -> None:
    run(tmp_path)
    before = counts(store)
    sender = run(tmp_path)
    assert counts(store) == before
    assert not sender.statuses


def test_a_later_run_goes_on_where_the_last_one_ended(store: TelemetryStore, tmp_path: Path) -> None:
    run(tmp_path)
    before = counts(store)
    run(tmp_path, now_ms=NOW + HOUR)
    after = counts(store)
    assert after["samples"] > before["samples"]
    assert {name: after[name] for name in ("reports", "bills", "charges", "services")} == {
        name: before[name] for name in ("reports", "bills", "charges", "services")
    }
    falls = store.engine.rows(
        "SELECT countIf(value < before) FROM (SELECT value, lagInFrame(value) OVER "
        "(PARTITION BY series ORDER BY timestamp ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before, timestamp "
        "FROM samples FINAL WHERE metric = 'http_request_duration_seconds_count')"
    )
    assert falls == [(0,)]


@pytest.mark.parametrize("share", [0.1, 0.6, 0.97])
def test_a_run_that_was_cut_off_is_completed_by_the_next(store: TelemetryStore, tmp_path: Path, share: float) -> None:
    (tmp_path / "whole").mkdir()
    run(tmp_path / "whole")
    posts = AuditReport.objects.count() + 2 * Deployment.objects.count()
    whole = counts(store)
    remove_demo(store, tmp_path / "whole")
    store.clear()
    with pytest.raises(DemoFailed, match="the power is gone"):
        run(tmp_path, fail_at=int(share * posts))
    run(tmp_path)
    assert counts(store) == whole


def test_a_name_that_a_real_service_has_is_left_to_it(store: TelemetryStore, tmp_path: Path) -> None:
    real = Service.objects.create(name="checkout", origin=Service.Origin.DECLARED)
    Team.objects.create(name="Payments")
    run(tmp_path)
    real.refresh_from_db()
    assert (real.origin, real.team, real.deployments.count()) == ("declared", None, 0)
    simulated = Service.objects.get(name="demo-checkout")
    assert (simulated.origin, simulated.team and simulated.team.name) == ("simulated", "Payments (simulated)")
    assert set(store.services_seen()) == {"storefront", "demo-checkout", "gateway"}


def test_removal_takes_everything_simulated_and_leaves_what_is_real(store: TelemetryStore, tmp_path: Path) -> None:
    write_series(store, ("up", {"job": "mail"}, [(NOW, 1.0)]))
    mail = Service.objects.create(name="mail", team=Team.objects.create(name="Post"))
    production = Environment.objects.create(name="production", production=True)
    Deployment.objects.create(service=mail, environment=production, version="1", deployed_at="2026-01-01T00:00Z")
    create_token(name="ci", scopes=["query"], actor="user:ada")
    import_bill(_real_bill(), file_name="real.csv", actor="user:ada")
    before = counts(store)
    run(tmp_path)
    removed = remove_demo(store, tmp_path)
    assert removed.services == 3
    assert removed.rows > 10_000
    assert counts(store) == before
    assert [service.name for service in Service.objects.all()] == ["mail"]
    assert [team.name for team in Team.objects.all()] == ["Post"]
    assert [environment.name for environment in Environment.objects.all()] == ["production"]
    assert [token.name for token in ApiToken.objects.all()] == ["ci"]
    assert load_state(tmp_path) is None
    assert {"demo.loaded", "demo.removed"} <= set(AuditEvent.objects.values_list("action", flat=True))
    assert remove_demo(store, tmp_path).services == 0


def test_after_removal_the_same_fleet_may_come_again(store: TelemetryStore, tmp_path: Path) -> None:
    run(tmp_path)
    first = counts(store)
    remove_demo(store, tmp_path)
    run(tmp_path)
    assert counts(store) == first


def test_another_fleet_than_the_one_there_is_refused(store: TelemetryStore, tmp_path: Path) -> None:
    planned(tmp_path, SMALL, NOW)
    with pytest.raises(DemoRefused, match=r"fleet with --services 3 is there already.*demo --remove"):
        planned(tmp_path, Wishes(services=5), NOW)
    assert planned(tmp_path, Wishes(), NOW + DAY).days == 1


@pytest.mark.parametrize(
    ("wishes", "message"),
    [(Wishes(days=0), "--days 0 is out of range: 1 to 90"), (Wishes(services=500), "--services 500")],
)
def test_impossible_wishes_are_named(store: TelemetryStore, tmp_path: Path, wishes: Wishes, message: str) -> None:
    with pytest.raises(DemoRefused, match=message):
        planned(tmp_path, wishes, NOW)
    assert load_state(tmp_path) is None


def test_a_mapping_rule_that_would_mix_simulated_with_real_data_is_named(store: TelemetryStore, tmp_path: Path) -> None:
    add_rule(label="job", pattern="(check).*", service_name=r"\1", actor="user:ada", signal=MappingRule.Signal.METRICS)
    with pytest.raises(
        DemoRefused, match="a mapping rule for metrics gives the simulated service 'checkout' to 'check'"
    ):
        planned(tmp_path, SMALL, NOW)


def test_only_one_run_sends_at_a_time(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(DemoRuns, match="another `belvedere demo` runs"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_a_state_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text('{"seed": 7')
    with pytest.raises(DemoStateBroken, match=r"demo.json cannot be read .* starts anew"):
        load_state(tmp_path)


def _real_bill() -> bytes:
    columns = (
        "BilledCost,BillingAccountId,BillingAccountName,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,"
        "ChargeCategory,ChargeClass,ChargeDescription,ChargePeriodStart,ChargePeriodEnd,ContractedCost,EffectiveCost,"
        "InvoiceIssuerName,ListCost,PricingQuantity,PricingUnit,ProviderName,PublisherName,ServiceCategory,ServiceName"
    )
    row = "1,a,M,USD,2026-01-01,2026-02-01,Usage,,,2026-01-01,2026-01-02,1,1,I,1,1,H,P,P,Compute,VM"
    return f"{columns}\n{row}\n".encode()
