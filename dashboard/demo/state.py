"""How far the simulated fleet was sent, kept in the data directory so that a second run goes on and doubles nothing."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from dashboard.demo.carry import Carry

FILE_NAME: Final = "demo.json"
LOCK_NAME: Final = "demo.lock"


class DemoRuns(Exception):
    """Another process sends the simulated fleet of this data directory."""


class DemoStateBroken(Exception):
    """The file cannot be read; the message says what to do."""


@dataclass(slots=True)
class DemoState:
    """What was asked for, and what is acknowledged already."""

    seed: int
    services: int
    days: int
    start_ms: int
    """Midnight UTC of the first day."""
    sent_until_ms: int
    """Everything until here is acknowledged."""
    chunk_end_ms: int = 0
    """End of the chunk that is being sent; 0 between chunks."""
    chunk_step_ms: int = 0
    chunk_logs: int = 0
    """Log requests of that chunk that are acknowledged. Samples need no such count: a repeated one is the same one."""
    audited: bool = False
    billed_until_day: int = 0
    """First day (since 1970) that no bill covers yet."""
    carry: Carry = field(default_factory=dict)
    """The simulation at `sent_until_ms`; empty at the beginning."""
    renamed: dict[str, str] = field(default_factory=dict)
    """Simulated services that got another name because a real one has theirs."""
    environments: list[str] = field(default_factory=list)
    """Environments that were made for the simulated fleet."""


@contextlib.contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Nobody else sends inside the block; a kill lets go. Raises DemoRuns."""
    descriptor = os.open(data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise DemoRuns("another `belvedere demo` runs on this data directory; stop it with Ctrl-C first") from error
    finally:
        os.close(descriptor)


def load_state(data_dir: Path) -> DemoState | None:
    """The state of the fleet in this data directory, None if there is none. Raises DemoStateBroken."""
    file = data_dir / FILE_NAME
    try:
        return DemoState(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise DemoStateBroken(f"{file} cannot be read ({error}); `belvedere demo --remove` starts anew") from error


def save_state(data_dir: Path, state: DemoState) -> None:
    """Replace the file at once, so that a kill leaves the old or the new one."""
    file = data_dir / FILE_NAME
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(asdict(state)), encoding="utf-8")
    os.replace(draft, file)


def forget_state(data_dir: Path) -> None:
    (data_dir / FILE_NAME).unlink(missing_ok=True)
