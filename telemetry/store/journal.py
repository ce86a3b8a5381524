"""Samples that are promised but not in the engine yet: records in a file, on the disk when `append` returns.

An engine pays for every insert: a part of several files, each synced, and later merged. One synced append costs a
fiftieth, so samples are acknowledged from here and reach the engine in large blocks. A journal belongs to one open
store; what a killed process left is replayed by the next one that opens the directory.

A record is: magic, CRC-32 and length of what follows, then the number of samples and three LZ4-packed columns
(series ids, timestamps, values). A record that was cut off is the last one and was never acknowledged.
"""

import fcntl
import os
import struct
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry.model.errors import StoreUnavailable

_HEAD: Final = struct.Struct("<4sII")
_SIZES: Final = struct.Struct("<IIII")
_MAGIC: Final = b"BVJ1"
_SUFFIX: Final = ".journal"
_CODEC: Final = "lz4"


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """Columns of one group, of equal length."""

    ids: NDArray[np.uint64]
    timestamps_ms: NDArray[np.int64]
    values: NDArray[np.float64]


class Segment:
    """One file. It is locked as long as it is open, so that nobody else replays it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self.fd)
            raise

    def discard(self) -> None:
        """The engine has all of it."""
        self.path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Leave it to whoever opens the directory next."""
        os.close(self.fd)


class Journal:
    """Where the committing thread appends. `cut` starts a new file, so that the old ones can go once inserted."""

    def __init__(self, directory: Path, *, fsync: bool) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._fsync = fsync
        self._current: Segment | None = None
        self._ended: list[Segment] = []

    def append(self, record: JournalRecord) -> None:
        """Returns when the record is on the disk. Raises StoreUnavailable if that is not certain."""
        self.append_body(_body(record))

    def append_body(self, body: bytes) -> Segment:
        """As `append`, for a record of another kind, in the form that its reader knows; the file that it is in."""
        try:
            segment = self._open()
            _write_all(segment.fd, _HEAD.pack(_MAGIC, zlib.crc32(body), len(body)))
            _write_all(segment.fd, body)
            if self._fsync:
                os.fdatasync(segment.fd)
            return segment
        except OSError as error:
            self._end()  # what follows a record that was cut off would not be found again
            raise StoreUnavailable(f"the journal in {self._directory} cannot be written: {error.strerror}") from error

    def cut(self) -> list[Segment]:
        """The files of everything appended until now."""
        self._end()
        ended, self._ended = self._ended, []
        return ended

    def _open(self) -> Segment:
        if self._current is None:
            self._current = Segment(self._directory / f"{uuid.uuid4().hex}{_SUFFIX}")
            if self._fsync:
                _sync_directory(self._directory)
        return self._current

    def _end(self) -> None:
        if self._current is not None:
            self._ended.append(self._current)
            self._current = None


def left_behind(directory: Path) -> Iterator[tuple[Segment, list[JournalRecord]]]:
    """Journals that no open store holds, oldest first, with their records; discard each once it is inserted."""
    for segment, bodies in left_bodies(directory):
        yield segment, list(map(_decoded, bodies))


def left_bodies(directory: Path) -> Iterator[tuple[Segment, list[bytes]]]:
    """As `left_behind`, with the bodies of the records."""
    for path in sorted(directory.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime_ns):
        try:
            segment = Segment(path)
        except BlockingIOError:
            continue
        yield segment, list(_bodies(path.read_bytes()))


def _bodies(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + _HEAD.size <= len(data):
        magic, checksum, length = _HEAD.unpack_from(data, at)
        body = data[at + _HEAD.size : at + _HEAD.size + length]
        if magic != _MAGIC or len(body) < length or zlib.crc32(body) != checksum:
            return
        yield body
        at += _HEAD.size + length


def _body(record: JournalRecord) -> bytes:
    columns = [_packed(column) for column in (record.ids, record.timestamps_ms, record.values)]
    return b"".join([_SIZES.pack(len(record.ids), *map(len, columns)), *columns])


def _packed(column: NDArray[np.generic]) -> bytes:
    packed: bytes = pa.compress(np.ascontiguousarray(column), codec=_CODEC, asbytes=True)
    return packed


def _decoded(body: bytes) -> JournalRecord:
    count, *sizes = _SIZES.unpack_from(body)
    at = _SIZES.size
    columns = []
    for size in sizes:
        columns.append(pa.decompress(body[at : at + size], decompressed_size=8 * count, codec=_CODEC, asbytes=True))
        at += size
    ids, timestamps, values = columns
    return JournalRecord(
        np.frombuffer(ids, np.uint64), np.frombuffer(timestamps, np.int64), np.frombuffer(values, np.float64)
    )


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
