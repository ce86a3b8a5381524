"""Rule groups in the fleet: claimed by one, evaluated in order, remembered, and ended with markers."""

from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.models import AuditEvent, RuleFile, RuleGroup, RuleState
from fleet.selectors.rules import due_groups
from policies.rules.document import RuleFileError
from policies.rules.files import load_rule_file, sync_watched_files, unload_rule_file
from policies.rules.memory import alert_from, alert_json
from policies.rules.schedule import claim_group, instant, run_group
from telemetry.model.labels import METRIC_NAME, Matcher, MatchOp
from telemetry.model.samples import STALE_NAN, is_stale
from telemetry.model.time import TimeRange
from telemetry.promql.engine import Engine
from telemetry.store import current
from tests.telemetry.batches import NOW_MS, sample_batch, series

pytestmark = pytest.mark.django_db

CHAIN = """
groups:
  - name: chain
    interval: 10s
    rules:
      - {record: 'job:x:sum', expr: sum by (job) (x)}
      - {record: 'all:x:sum', expr: sum(job:x:sum)}
      - {alert: TooMuch, expr: 'job:x:sum > 1', labels: {severity: page}, annotations: {is: '{{ $value }}'}}
      - {record: broken, expr: 'x + on() x'}
"""


def put(*samples, at_ms: int = NOW_MS) -> None:
    current().write_samples(sample_batch({labels: [(at_ms, value)] for labels, value in samples})).result(30)


def run(seconds: int = 0) -> RuleGroup:
    """Evaluate the one group as of NOW_MS + seconds."""
    group = RuleGroup.objects.get()
    at = instant(NOW_MS) + timedelta(seconds=seconds)
    RuleGroup.objects.update(next_at=at)
    assert run_group(group.pk, at)
    return RuleGroup.objects.get()


def values(store, query: str, at_ms: int = NOW_MS) -> dict[tuple, float]:
    frame = Engine(store).instant(query, at_ms).value
    return {
        tuple(pair for pair in labels if pair[0] != METRIC_NAME): value
        for labels, value in zip(frame.labels, frame.values[:, 0].tolist(), strict=True)
    }


@pytest.fixture
def loaded(store):
    put((series("x", job="a", i="1"), 1.0), (series("x", job="a", i="2"), 2.0), (series("x", job="b", i="1"), 1.0))
    load_rule_file(name="rules.yml", text=CHAIN, actor="system")
    return store


def test_a_rule_sees_what_the_rules_before_it_recorded(loaded) -> None:
    run()
    assert values(loaded, "job:x:sum") == {(("job", "a"),): 3.0, (("job", "b"),): 1.0}
    assert values(loaded, "all:x:sum") == {(): 4.0}


def test_alerts_are_series_and_are_remembered(loaded) -> None:
    run()
    assert list(values(loaded, "ALERTS").values()) == [1.0]
    state = RuleState.objects.get(position=2)
    (alert,) = map(alert_from, state.alerts)
    assert (alert.state, dict(alert.labels)["job"], dict(alert.annotations)) == ("firing", "a", {"is": "3"})
    assert alert_from(alert_json(alert)) == alert
    run(10)
    assert alert_from(RuleState.objects.get(position=2).alerts[0]).active_at_ms == NOW_MS


def test_a_rule_that_fails_says_why_and_stops_no_other(loaded) -> None:
    run()
    healths = list(RuleState.objects.values_list("health", flat=True))
    assert healths == ["ok", "ok", "ok", "err"]
    assert RuleState.objects.get(position=3).last_error


def test_a_series_that_is_no_longer_given_ends_at_once(loaded) -> None:
    run()
    put((series("x", job="b", i="1"), STALE_NAN), at_ms=NOW_MS + 1000)
    run(10)
    found = loaded.select_series([[Matcher(METRIC_NAME, MatchOp.EQUAL, "job:x:sum")]], TimeRange(0, NOW_MS + 60_000))
    columns = loaded.read_samples(found, TimeRange(NOW_MS + 10_000, NOW_MS + 10_000))
    assert is_stale(columns.values).tolist() == [False, True]
    assert values(loaded, "job:x:sum", NOW_MS + 10_000) == {(("job", "a"),): 3.0}


def test_an_evaluation_belongs_to_the_worker_that_came_first(loaded) -> None:
    group = RuleGroup.objects.get()
    now = group.next_at
    assert due_groups(now) == [group.pk]
    assert claim_group(group.pk, now) is not None
    assert claim_group(group.pk, now) is None
    assert due_groups(now + timedelta(seconds=10)) == []
    assert due_groups(now + timedelta(hours=1)) == [group.pk]


def test_evaluations_that_went_by_are_counted_and_not_made_up_for(loaded) -> None:
    group = RuleGroup.objects.get()
    claim = claim_group(group.pk, group.next_at + timedelta(seconds=34))
    after = RuleGroup.objects.get()
    assert claim is not None
    assert instant(claim.slot_ms) == group.next_at + timedelta(seconds=30)
    assert (after.missed, after.next_at) == (3, group.next_at + timedelta(seconds=40))


def test_a_group_is_not_due_before_its_time(loaded) -> None:
    group = RuleGroup.objects.get()
    assert not run_group(group.pk, group.next_at - timedelta(milliseconds=1))
    assert not run_group(group.pk + 1)


def test_a_rule_keeps_its_state_when_others_move(loaded) -> None:
    run()
    moved = CHAIN.replace("      - {record: 'all:x:sum', expr: sum(job:x:sum)}\n", "")
    load_rule_file(name="rules.yml", text=moved, actor="system")
    assert RuleState.objects.get(position=1).alerts
    assert values(loaded, "all:x:sum", int(timezone.now().timestamp() * 1000) + 1) == {}


def test_a_removed_file_ends_its_series(loaded) -> None:
    run()
    unload_rule_file(file=RuleFile.objects.get(), actor="user:x")
    assert not RuleState.objects.exists()
    assert values(loaded, "job:x:sum", int(timezone.now().timestamp() * 1000) + 1) == {}
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["rules.loaded", "rules.removed"]


def test_a_broken_file_changes_nothing(loaded) -> None:
    with pytest.raises(RuleFileError):
        load_rule_file(name="rules.yml", text="groups: [{}]", actor="system")
    assert RuleFile.objects.get().text == CHAIN


def test_watched_files_come_change_break_and_go(store, tmp_path) -> None:
    pattern = str(tmp_path / "*.yml")
    path = tmp_path / "a.yml"
    path.write_text(CHAIN)
    sync_watched_files([pattern])
    assert RuleFile.objects.get().source == "directory"
    path.write_text("groups: [{}]")
    sync_watched_files([pattern])
    file = RuleFile.objects.get()
    assert (file.text, file.problem) == (CHAIN, "line 1: groupname must not be empty")
    path.write_text(CHAIN.replace("10s", "20s"))
    sync_watched_files([pattern])
    assert (RuleFile.objects.get().problem, RuleGroup.objects.get().interval_ms) == ("", 20_000)
    path.unlink()
    sync_watched_files([pattern])
    assert not RuleFile.objects.exists()


def test_files_that_were_imported_are_not_touched_by_the_watched_folder(loaded) -> None:
    sync_watched_files([])
    assert RuleFile.objects.get().name == "rules.yml"


def test_what_rules_read_is_noted_but_not_listed(loaded) -> None:
    run()
    assert loaded.metric_reads()["x"].sources == ("rule",)
    assert loaded.recent_queries() == []
