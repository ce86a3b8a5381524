"""A real `belvedere up` in a process of its own, on a directory and a port of its own."""

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60


@dataclass(frozen=True)
class Running:
    """What a test needs of the running server."""

    url: str
    setup_link: str
    token: str
    data: Path
    pid: int

    @cached_property
    def query_token(self) -> str:
        """A token that may read, made beside the server as its README says."""
        made = self.command("token", "create", "--name", "reader", "--scopes", "query")
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `belvedere ARGUMENTS --data ...` beside the server."""
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments, "--data", str(self.data)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env=environment(self.data),
        )


def environment(data: Path) -> dict[str, str]:
    """Ours without anything that would point the server elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BELVEDERE_")}
    return kept | {"BELVEDERE_DATA": str(data), "PYTHONUNBUFFERED": "1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(data: Path, errors: Path) -> Iterator[Running]:
    """Start the server, hand it out when it says where the set-up link is, stop it in the end."""
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, str(ROOT / "manage.py"), "up", "--data", str(data), "--listen", url[7:]]
    with errors.open("wb") as stream:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=stream, env=environment(data))
    try:
        said = _read_until(process, "Stop with Ctrl-C", errors)
        link = re.search(r"Set-up link: (\S+)", said)
        token = re.search(r"BELVEDERE_TOKEN=(\S+)", said)
        assert link, said
        assert token, said
        yield Running(url, link[1], token[1], data, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _read_until(process: "subprocess.Popen[bytes]", word: str, errors: Path) -> str:
    assert process.stdout is not None
    said, deadline = b"", time.monotonic() + START_SECONDS
    while word.encode() not in said:
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(process.stdout.fileno(), 65536) if ready else b""
        assert chunk, f"the server did not start: {said.decode()}\n{errors.read_text()[-3000:]}"
        said += chunk
    return said.decode()
