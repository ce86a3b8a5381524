"""Commands that travel to the server, over a real socket, in one process."""

import io
import json
import os
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import BaseCommand, CommandError

from dashboard.runtime import commands
from dashboard.runtime.commands import CANCELLED, Cancelled, run
from dashboard.runtime.control_client import NoServer, travel
from dashboard.runtime.control_server import ControlPart
from dashboard.runtime.control_socket import NAME, Request, receive_line, send

Handle = Callable[[BaseCommand], Any]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Path]:
    """Data directory of a server that takes commands."""
    part = ControlPart(tmp_path)
    part.start()
    yield tmp_path
    assert part.stop(5)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Handle], None]:
    """Makes `test` a command that does what the given function does."""

    def define(handle: Handle) -> None:
        class Command(BaseCommand):
            requires_system_checks = []

            def add_arguments(self, parser: Any) -> None:
                parser.add_argument("word", nargs="*")

            def handle(self, *args: Any, **options: Any) -> None:
                self.words = options["word"]
                handle(self)

        monkeypatch.setattr(commands, "load", lambda name: Command())

    return define


def test_a_command_runs_in_the_server_and_writes_to_the_caller(
    server: Path, command: Callable[[Handle], None], capfd: pytest.CaptureFixture[str]
) -> None:
    ran_in = []

    def handle(self: BaseCommand) -> None:
        ran_in.append(threading.current_thread().name)
        self.stdout.write(f"hello {' '.join(self.words)}")
        self.stderr.write("careful")

    command(handle)
    assert travel(server, ["test", "a b", "c"]) == 0
    said = capfd.readouterr()
    assert said.out == "hello a b c\n"
    assert said.err == "careful\n"
    assert ran_in == ["command"]


def test_relative_paths_count_from_the_callers_directory(
    server: Path,
    command: Callable[[Handle], None],
    capfd: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    elsewhere, before = tmp_path_factory.mktemp("elsewhere"), os.getcwd()
    (elsewhere / "file.txt").write_text("content of the file")
    command(lambda self: self.stdout.write(Path("file.txt").read_text()))
    status, said = ask(server, Request(["test"], str(elsewhere))), capfd.readouterr()
    if "relative paths are taken from" in said.err:
        pytest.skip("this kernel gives threads no working directory of their own")
    assert (status, said.out) == (0, "content of the file\n")
    assert os.getcwd() == before


def test_where_threads_have_no_directory_of_their_own_the_command_says_where_paths_count_from(
    server: Path,
    command: Callable[[Handle], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    command(lambda self: None)
    assert ask(server, Request(["test"], "/no/such/directory")) == 0
    assert f"relative paths are taken from {os.getcwd()}" in capfd.readouterr().err


def ask(server: Path, request: Request) -> int:
    """What `travel` does, for a caller in any directory."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(server / NAME))
        socket.send_fds(connection, [b"\0"], [0, 1, 2])
        send(connection, request)
        return int(json.loads(receive_line(connection))["status"])


@pytest.mark.parametrize(
    ("fault", "status", "sentence"),
    [
        (CommandError("the file is empty", returncode=4), 4, "belvedere test: the file is empty\n"),
        (SystemExit(3), 3, ""),
        (SystemExit(None), 0, ""),
        (ValueError("bad value"), 1, "belvedere test: ValueError: bad value\n"),
        (BrokenPipeError(), 1, ""),
    ],
)
def test_the_end_of_a_command_is_its_exit_status_and_a_sentence(
    server: Path,
    command: Callable[[Handle], None],
    capfd: pytest.CaptureFixture[str],
    fault: BaseException,
    status: int,
    sentence: str,
) -> None:
    def handle(self: BaseCommand) -> None:
        raise fault

    command(handle)
    assert travel(server, ["test"]) == status
    assert sentence in capfd.readouterr().err


def test_bad_arguments_are_refused_by_the_server_too(
    server: Path, command: Callable[[Handle], None], capfd: pytest.CaptureFixture[str]
) -> None:
    command(lambda self: None)
    assert travel(server, ["test", "--frobnicate"]) == 1
    assert "unrecognized arguments: --frobnicate" in capfd.readouterr().err


def test_ctrl_c_stops_the_command_in_the_server(
    server: Path, command: Callable[[Handle], None], capfd: pytest.CaptureFixture[str]
) -> None:
    stopped = threading.Event()
    begun = threading.Event()

    def handle(self: BaseCommand) -> None:
        try:
            while True:
                self.stdout.write("working")
                begun.set()
                time.sleep(0.01)
        except KeyboardInterrupt:
            stopped.set()
            raise

    command(handle)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it

    def press() -> None:
        begun.wait(10)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=press).start()
    try:
        assert travel(server, ["test"]) == CANCELLED
    finally:
        signal.signal(signal.SIGINT, before)
    assert stopped.wait(10)
    assert "belvedere test: stopped" in capfd.readouterr().err


def test_a_stopping_server_stops_its_commands(tmp_path: Path, command: Callable[[Handle], None]) -> None:
    begun = threading.Event()

    def handle(self: BaseCommand) -> None:
        while True:
            begun.set()
            self.stderr.write("")
            time.sleep(0.01)

    command(handle)
    part = ControlPart(tmp_path)
    part.start()
    statuses: list[int] = []
    caller = threading.Thread(target=lambda: statuses.append(travel(tmp_path, ["test"])))
    caller.start()
    assert begun.wait(10)
    assert part.stop(10)
    caller.join(10)
    assert statuses == [CANCELLED]


def test_the_socket_is_for_its_owner_only_and_goes_with_the_server(tmp_path: Path) -> None:
    part = ControlPart(tmp_path)
    part.start()
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
    assert part.alive()
    assert part.stop(5)
    assert not (tmp_path / NAME).exists()
    assert not part.alive()


def test_a_socket_left_by_a_kill_is_replaced(
    tmp_path: Path, command: Callable[[Handle], None], capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / NAME).write_text("")
    part = ControlPart(tmp_path)
    part.start()
    command(lambda self: self.stdout.write("here"))
    assert travel(tmp_path, ["test"]) == 0
    assert part.stop(5)


def test_a_data_directory_may_have_a_path_longer_than_a_unix_address(
    tmp_path: Path, command: Callable[[Handle], None], capfd: pytest.CaptureFixture[str]
) -> None:
    deep = tmp_path / ("d" * 120) / ("e" * 120)
    deep.mkdir(parents=True)
    part = ControlPart(deep)
    part.start()
    command(lambda self: self.stdout.write("from the depth"))
    assert travel(deep, ["test"]) == 0
    assert capfd.readouterr().out == "from the depth\n"
    assert part.stop(5)


def test_no_server_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NoServer, match="no server answers"):
        travel(tmp_path, ["test"], wait_seconds=0.1)


def test_a_command_that_does_not_exist_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("frobnicate", []) == 1
    assert capsys.readouterr().err == "belvedere frobnicate: there is no command 'frobnicate'\n"


def test_output_for_a_pipe_carries_no_colours(command: Callable[[Handle], None]) -> None:
    command(lambda self: self.stdout.write(self.style.SUCCESS("good")))
    out = io.StringIO()
    assert run("test", [], stdout=out, stderr=sys.stderr, cancelled=Cancelled()) == 0
    assert out.getvalue() == "good\n"
