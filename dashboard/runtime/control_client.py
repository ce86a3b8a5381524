"""Sends a command to the server and waits for its end; the server writes to this terminal itself."""

import json
import os
import socket
import time
from pathlib import Path
from typing import Final

from dashboard.runtime.commands import CANCELLED
from dashboard.runtime.control_socket import CANCEL, Reply, Request, address, receive_line, send

START_SECONDS: Final = 20.0
"""A server that owns the directory and does not answer yet is starting."""


class NoServer(Exception):
    """Nobody answers on the socket; the message says so."""


def travel(data_dir: Path, arguments: list[str], *, wait_seconds: float = START_SECONDS) -> int:
    """Run `arguments` (command name first) in the server of `data_dir`; its exit status. Raises NoServer."""
    with _connected(data_dir, wait_seconds) as connection:
        # The one byte carries the descriptors; the request follows as a line.
        socket.send_fds(connection, [b"\0"], [0, 1, 2])
        send(connection, Request(arguments, os.getcwd()))
        return _await_end(connection)


def _connected(data_dir: Path, wait_seconds: float) -> socket.socket:
    deadline = time.monotonic() + wait_seconds
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with address(data_dir) as path:
                connection.connect(path)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            connection.close()
            if time.monotonic() >= deadline:
                raise NoServer(f"no server answers in {data_dir}") from error
            time.sleep(0.1)
        else:
            return connection


def _await_end(connection: socket.socket) -> int:
    try:
        return _status(connection)
    except KeyboardInterrupt:
        connection.sendall(CANCEL)
    try:
        return _status(connection)
    except KeyboardInterrupt:
        return CANCELLED  # asked twice: leave, and let the server notice that nobody waits


def _status(connection: socket.socket) -> int:
    line = receive_line(connection)
    if not line:
        raise NoServer("the server ended before the command did")
    return Reply(**json.loads(line)).status
