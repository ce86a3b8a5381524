"""The data directory: who may read it, and which one process owns it."""

import contextlib
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

LOCK_FILE: Final = "LOCK"


class DataDirProblem(Exception):
    """The data directory cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that owns a data directory."""

    pid: int
    command: str
    listen: str = ""
    """HOST:PORT if it serves pages."""

    def __str__(self) -> str:
        address = f" on http://{self.listen}" if self.listen else ""
        return f"`belvedere {self.command}` (process {self.pid}{address})"


class DataDirBusy(DataDirProblem):
    """Another process owns the directory."""

    def __init__(self, directory: Path, holder: Holder | None) -> None:
        super().__init__(f"{holder or 'another process'} already uses {directory}; stop it, or name another --data")
        self.holder = holder


def prepare(directory: Path) -> None:
    """Make the directory, closed to other users. Raises DataDirProblem if it cannot be written."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = directory.stat()
        # A volume of an orchestrator belongs to somebody else and is shut by other means.
        if state.st_uid == os.geteuid() and stat.S_IMODE(state.st_mode) & 0o077:
            directory.chmod(0o700)
    except OSError as error:
        raise DataDirProblem(f"the data directory {directory} cannot be prepared: {error.strerror}") from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise DataDirProblem(f"the data directory {directory} cannot be written by this user")


@contextlib.contextmanager
def owned(directory: Path, *, command: str, listen: str = "", wait_seconds: float = 0) -> Iterator[None]:
    """Own the directory inside the block. Raises DataDirBusy if another process still owns it after the wait.

    The kernel releases the lock with the process, however it ends, so a kill leaves nothing to repair.
    """
    descriptor = _open(directory)
    try:
        if not _lock_within(descriptor, wait_seconds):
            raise DataDirBusy(directory, _read(descriptor))
        _write(descriptor, Holder(os.getpid(), command, listen))
        yield
    finally:
        os.close(descriptor)


def holder_of(directory: Path) -> Holder | None:
    """The process that owns the directory now, None if nobody does."""
    if not (directory / LOCK_FILE).exists():
        return None
    descriptor = _open(directory)
    try:
        if _lock_within(descriptor, 0):
            return None
        return _read(descriptor) or Holder(0, "another command")
    finally:
        os.close(descriptor)


def _open(directory: Path) -> int:
    try:
        return os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DataDirProblem(f"{directory / LOCK_FILE} cannot be opened: {error.strerror}") from error


def _lock_within(descriptor: int, wait_seconds: float) -> bool:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.1)
        else:
            return True


def _write(descriptor: int, holder: Holder) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(asdict(holder)).encode(), 0)


def _read(descriptor: int) -> Holder | None:
    try:
        return Holder(**json.loads(os.pread(descriptor, 4096, 0)))
    except (ValueError, TypeError):
        return None  # locked a moment ago, not written yet
