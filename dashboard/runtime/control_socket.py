"""Where the server takes commands: a Unix socket in the data directory, for its owner only."""

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

NAME: Final = "control.sock"
CANCEL: Final = b"cancel\n"
MAX_REQUEST_BYTES: Final = 1024**2

_LONGEST_PATH: Final = 100
"""A Unix address holds 108 bytes; a longer path is reached through its directory's descriptor."""


@dataclass(frozen=True, slots=True)
class Request:
    """A command line that travels. The terminal's three descriptors travel beside it."""

    arguments: list[str]
    """Name of the command first."""
    directory: str
    """Working directory, from which relative paths count."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The end of a command."""

    status: int


@contextlib.contextmanager
def address(data_dir: Path) -> Iterator[str]:
    """The socket's address, however long the path is; good inside the block."""
    path = str(data_dir / NAME)
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        yield path
        return
    descriptor = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{NAME}"
    finally:
        os.close(descriptor)


def send(connection: socket.socket, value: Request | Reply) -> None:
    """One JSON object and a newline."""
    connection.sendall(json.dumps(asdict(value)).encode() + b"\n")


def receive_line(connection: socket.socket) -> bytes:
    """Bytes up to and without a newline; empty if the other side has gone. Raises ValueError over 1 MiB."""
    received = bytearray()
    while not received.endswith(b"\n"):
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        received += chunk
        if len(received) > MAX_REQUEST_BYTES:
            raise ValueError(f"a command line of more than {MAX_REQUEST_BYTES} bytes")
    return bytes(received[:-1])
