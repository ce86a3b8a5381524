"""The commands of the running process: settings, logs, status, worker, and the list of all commands."""

import io
import time

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from dashboard.env import Setting
from dashboard.management.commands.logs import line_of, seconds_of
from dashboard.management.commands.settings import markdown_table, shown_value
from dashboard.runtime import data_dir
from dashboard.runtime.command_line import CommandLine
from dashboard.runtime.routing import RoutedCommand
from telemetry.model.logs import LogBatch, LogRecord
from telemetry.store import TelemetryStore


def said(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def test_the_help_lists_our_commands_first_with_a_line_each() -> None:
    text = CommandLine(["belvedere", "--help"]).main_help_text()
    own, _, djangos = text.partition("Django")
    assert own.index("  up ") < own.index("  status ") < own.index("  logs ")
    assert "Serve everything from one process" in own
    assert "makemigrations" in djangos


def test_own_commands_are_routed_and_those_of_django_are_not() -> None:
    line = CommandLine(["belvedere"])
    assert isinstance(line.fetch_command("logs"), RoutedCommand)
    assert not isinstance(line.fetch_command("check"), RoutedCommand)


def test_the_version_is_ours(capsys: pytest.CaptureFixture[str]) -> None:
    CommandLine(["belvedere", "--version"]).execute()
    assert capsys.readouterr().out.startswith("Belvedere ")


def test_help_and_mistakes_are_answered_without_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        CommandLine(["belvedere", "logs", "--frobnicate"]).execute()
    assert end.value.code == 2
    assert "unrecognized arguments: --frobnicate" in capsys.readouterr().err


def test_settings_lists_every_variable_with_its_meaning() -> None:
    listed = said("settings")
    assert "BELVEDERE_GROUP_COMMIT_MS=10" in listed
    assert "how long the writer waits" in listed


def test_settings_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Setting("BELVEDERE_TEST", "", "", secret=True)
    monkeypatch.setenv("BELVEDERE_TEST", "hunter2")
    assert shown_value(secret) == "***"
    monkeypatch.setenv("BELVEDERE_TEST", "postgresql://me:hunter2@db/app")
    assert shown_value(secret) == "postgresql://me:***@db/app"
    monkeypatch.setenv("BELVEDERE_TEST_FILE", "/run/secrets/test")
    assert shown_value(secret) == "(from /run/secrets/test)"


def test_the_table_of_settings_is_the_same_on_every_machine(settings) -> None:
    table = markdown_table()
    assert str(settings.DATA_DIR) not in table
    assert table.count("\n") > 40


def test_logs_prints_the_newest_records_oldest_first(store: TelemetryStore) -> None:
    now = time.time_ns()
    store.write_logs(
        LogBatch(
            source="test",
            streams=[(("service_name", "shop"),)],
            stream_index=np.zeros(3, dtype=np.int64),
            timestamps_ns=np.array([now - 3_000_000_000, now - 2_000_000_000, now - 1_000_000_000]),
            observed_timestamps_ns=np.array([now, now, now]),
            severity_numbers=np.array([9, 17, 9], dtype=np.uint8),
            severity_texts=["info", "error", "info"],
            bodies=["first", "second", "third"],
            trace_ids=[""] * 3,
            span_ids=[""] * 3,
            attributes=["", '{"order": 7}', ""],
        ),
        service="shop",
    ).result(10)
    lines = said("logs", "--service", "shop", "--limit", "2").splitlines()
    assert [line.split()[2] for line in lines] == ["second", "third"]
    assert said("logs", "--service", "shop", "--severity", "error").endswith("error second  order=7\n")
    assert said("logs") == ""


def test_a_time_that_is_none_is_refused() -> None:
    assert seconds_of("15m") == 900
    with pytest.raises(CommandError, match="--since 'soon' is not a time such as"):
        seconds_of("soon")


def test_no_record_can_play_with_the_terminal() -> None:
    record = LogRecord(0, 0, "s", (), 9, "info", "a\x1b[2Jb\nc", "", "", {"k": "\u2028"})
    assert line_of(record) == "1970-01-01T00:00:00.000+00:00 info  a\\x1b[2Jb\\nc  k=\\u2028"


def test_status_says_that_nothing_runs(settings, tmp_path) -> None:
    settings.DATA_DIR = tmp_path
    with pytest.raises(CommandError, match=f"nothing runs on {tmp_path}") as refusal:
        call_command("status")
    assert refusal.value.returncode == 3


def test_status_names_another_command_that_uses_the_directory(settings, tmp_path) -> None:
    settings.DATA_DIR = tmp_path
    with (
        data_dir.owned(tmp_path, command="import"),
        pytest.raises(CommandError, match=r"`belvedere import` \(process \d+\) uses"),
    ):
        call_command("status")


def test_a_worker_of_its_own_needs_a_broker_and_a_server(settings) -> None:
    settings.BROKER_URL = "memory://"
    with pytest.raises(CommandError, match="needs a broker and a ClickHouse server"):
        call_command("worker")
