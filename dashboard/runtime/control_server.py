"""The server's side of the control socket: each command runs in a thread of its own."""

import contextlib
import ctypes
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog

from dashboard.runtime.commands import Cancelled, run
from dashboard.runtime.control_socket import CANCEL, NAME, Reply, Request, address, receive_line, send

CONCURRENT_COMMANDS: Final = 8

_CLONE_FS: Final = 0x200
_log = structlog.get_logger("belvedere.commands")


class ControlPart:
    """Takes commands while the process runs; stopping asks those in work to stop too."""

    name = "control"

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._slots = threading.BoundedSemaphore(CONCURRENT_COMMANDS)
        self._lock = threading.Lock()
        self._in_work: dict[threading.Thread, Cancelled] = {}

    def start(self) -> None:
        self._listener = _listen(self._data_dir)
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), name=self.name, daemon=True)
        self._thread.start()

    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self, timeout_seconds: float) -> bool:
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            self._listener.close()
            (self._data_dir / NAME).unlink(missing_ok=True)
        if self._thread is not None:
            self._thread.join(timeout_seconds)
        with self._lock:
            in_work = dict(self._in_work)
        for cancelled in in_work.values():
            cancelled.set()
        for thread in in_work:
            thread.join(timeout_seconds / len(in_work))
        return not any(thread.is_alive() for thread in in_work)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # closed by `stop`
            threading.Thread(target=self._serve, args=(connection,), name="command", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        cancelled = Cancelled()
        with self._slots, connection, self._noted(cancelled):
            try:
                _serve(connection, cancelled)
            except (OSError, ValueError) as error:
                _log.warning("command was not understood", error=str(error))

    @contextlib.contextmanager
    def _noted(self, cancelled: Cancelled) -> Iterator[None]:
        thread = threading.current_thread()
        with self._lock:
            self._in_work[thread] = cancelled
        try:
            yield
        finally:
            with self._lock:
                del self._in_work[thread]


def _listen(data_dir: Path) -> socket.socket:
    (data_dir / NAME).unlink(missing_ok=True)  # left by a kill; the lock says that nobody uses it
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with address(data_dir) as path:
        listener.bind(path)
    (data_dir / NAME).chmod(0o600)
    listener.listen(16)
    return listener


def _serve(connection: socket.socket, cancelled: Cancelled) -> None:
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
    try:
        request = Request(**json.loads(receive_line(connection)))
        send(connection, Reply(_run_watched(connection, request, descriptors, cancelled)))
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _run_watched(connection: socket.socket, request: Request, descriptors: list[int], cancelled: Cancelled) -> int:
    """Run the request while a second thread listens for a cancellation or the caller's end."""
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(connection, cancelled, done), name="command-watch", daemon=True)
    watcher.start()
    try:
        return _run(request, descriptors, cancelled)
    finally:
        done.set()
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RD)  # wakes the watcher
        watcher.join()


def _watch(connection: socket.socket, cancelled: Cancelled, done: threading.Event) -> None:
    with contextlib.suppress(OSError):
        word = connection.recv(len(CANCEL))
        if not done.is_set():
            _log.info("command cancelled", by="the terminal" if word else "its caller's end")
            cancelled.set()


def _run(request: Request, descriptors: list[int], cancelled: Cancelled) -> int:
    name, *arguments = request.arguments
    _log.info("command", command=name)
    _, stdout_descriptor, stderr_descriptor = descriptors
    with (
        os.fdopen(os.dup(stdout_descriptor), "w") as stdout,
        os.fdopen(os.dup(stderr_descriptor), "w") as stderr,
    ):
        if not _change_directory_of_this_thread(request.directory):
            stderr.write(f"belvedere {name}: relative paths are taken from {os.getcwd()}, not from here\n")
        return run(name, arguments, stdout=stdout, stderr=stderr, cancelled=cancelled)


def _change_directory_of_this_thread(directory: str) -> bool:
    """Give this thread a working directory of its own and go there; False if the kernel does not allow it.

    Source: unshare(2), CLONE_FS. Some container runtimes forbid the call.
    """
    if directory == os.getcwd():
        return True
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_FS) != 0:
        return False
    try:
        os.chdir(directory)
    except OSError:
        return False
    return True
