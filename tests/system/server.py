"""`belvedere up` in a process of its own that a test may stop, kill and start again on the same directory."""

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.browser.server import ROOT, environment, free_port

START_SECONDS = 90
STOP_SECONDS = 40


@dataclass
class Server:
    """One data directory and port, with a process or without."""

    data: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    token: str = ""
    said: str = ""
    """Standard output of the latest process."""
    process: "subprocess.Popen[str] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def events(self) -> str:
        """Log events of all processes so far."""
        return (self.data.parent / "events.log").read_text()

    def start(self) -> "Server":
        """Start and wait until it has said everything; keeps the token that a first start prints."""
        with (self.data.parent / "events.log").open("a") as stream:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "up", "--data", str(self.data), "--listen", self.url[7:]],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                env=environment(self.data) | self.settings,
            )
        watchdog = threading.Timer(START_SECONDS, self.process.kill)
        watchdog.start()
        self.said = self._read_greeting()
        watchdog.cancel()
        if found := re.search(r"BELVEDERE_TOKEN=(\S+)", self.said):
            self.token = found[1]
        return self

    def _read_greeting(self) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if line.startswith("Stop with Ctrl-C"):
                return said
        raise AssertionError(f"the server did not start:\n{said}\n{self.events[-4000:]}")

    def end(self, number: int) -> int:
        """Send a signal and wait for the end; the exit status (negative: killed by that signal)."""
        assert self.process is not None
        self.process.send_signal(number)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None
        return status

    def stop(self) -> int:
        return self.end(signal.SIGTERM)

    def kill(self) -> int:
        return self.end(signal.SIGKILL)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET with the token."""
        return httpx.get(self.url + path, headers={"Authorization": f"Bearer {self.token}"}, timeout=30, **options)

    def wait_ready(self) -> None:
        """Until `/readyz` says yes."""
        deadline = time.monotonic() + START_SECONDS
        while (answer := self.get("/readyz")).status_code != 200:
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.1)

    def command(self, *arguments: str, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
        """Run `belvedere ARGUMENTS` on the same directory."""
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments, "--data", str(self.data)],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=120,
            env=environment(self.data) | self.settings,
        )


def eventually(ask: Callable[[], Any], seconds: float = 60) -> Any:
    """The first answer that is true; fails if there is none in time."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.5)
    return answer
