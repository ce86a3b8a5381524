"""Reads the documents of an OSV feed: zip archive, folder, `.json` or `.jsonl`, the last two also `.gz` or `.zst`.

Names inside an archive are used in messages only. Everything is counted while it is read, so that neither a bomb
nor a file that was cut off gets through.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import orjson
import zstandard

from collectors.gunzip import GunzipError, StreamingGunzip

Documents = Iterator[tuple[str, bytes]]
"""(where it stands, one JSON document) pairs."""

_ZSTD_INPUT: Final = 512
"""Bytes fed at once: a zstd block of four bytes may stand for 128 KiB, so small steps keep the output small."""
_CHUNK: Final = 1 << 16


class BrokenFeed(ValueError):
    """The feed cannot be read to its end, so nothing of it is used. The message names the place."""


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """What a feed may hold."""

    documents: int = 1_000_000
    document_bytes: int = 8 * 1024**2
    total_bytes: int = 8 * 1024**3
    array_bytes: int = 256 * 1024**2
    """Of a `.json` file, which has to be held in memory."""
    ratio: int = 100
    """Decompressed to compressed bytes of one archive member, looked at from `ratio_from_bytes` on."""
    ratio_from_bytes: int = 1024**2


def feed_documents(path: Path, limits: FeedLimits = FeedLimits()) -> Documents:
    """Every JSON document of the feed at `path`. Raises BrokenFeed, also in the middle."""
    yield from _within(_documents(path, limits), limits)


def _documents(path: Path, limits: FeedLimits) -> Documents:
    if path.is_dir():
        return _folder(path, limits)
    try:
        if zipfile.is_zipfile(path):
            return _archive(path, limits)
        kind = _suffix(path)
        if kind == ".json":
            return _one_file(path, limits)
        if kind == ".jsonl":
            return _lines(path, limits)
    except OSError as error:
        raise BrokenFeed(f"{path}: {error.strerror or error}") from error
    if not path.exists():
        raise BrokenFeed(f"{path}: no such file")
    raise BrokenFeed(f"{path} is no whole zip archive, no folder and ends in none of .json, .jsonl, .gz, .zst")


def _suffix(path: Path) -> str:
    """Suffix without a compression behind it."""
    return Path(path.stem).suffix if path.suffix in (".gz", ".zst") else path.suffix


def _within(documents: Documents, limits: FeedLimits) -> Documents:
    total = 0
    for count, (where, content) in enumerate(documents, start=1):
        total += len(content)
        if count > limits.documents:
            raise BrokenFeed(f"the feed holds more than {limits.documents} documents")
        if total > limits.total_bytes:
            raise BrokenFeed(f"the feed holds more than {limits.total_bytes} bytes when decompressed")
        yield where, content


def _folder(path: Path, limits: FeedLimits) -> Documents:
    for file in sorted(path.rglob("*.json")):
        yield str(file.relative_to(path)), _whole(file, limits.document_bytes)


def _archive(path: Path, limits: FeedLimits) -> Documents:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith(".json")]
            if len(members) > limits.documents:
                raise BrokenFeed(f"the archive holds {len(members)} files; the limit is {limits.documents}")
            for member in members:
                yield member.filename, _member(archive, member, limits)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise BrokenFeed(f"{path.name} is a broken archive: {error}") from error


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: FeedLimits) -> bytes:
    """Its content, with its checksum verified. The sizes of the directory are claims, so they are checked twice."""
    if member.file_size > limits.document_bytes:
        raise BrokenFeed(f"{member.filename} holds {member.file_size} bytes; the limit is {limits.document_bytes}")
    allowed = max(limits.ratio_from_bytes, limits.ratio * member.compress_size)
    if member.file_size > allowed:
        raise BrokenFeed(f"{member.filename} is compressed by more than {limits.ratio} to 1")
    with archive.open(member) as stream:
        content = stream.read(limits.document_bytes + 1)
    if len(content) > limits.document_bytes:
        raise BrokenFeed(f"{member.filename} holds over {limits.document_bytes} bytes, the limit")
    return content


def _one_file(path: Path, limits: FeedLimits) -> Documents:
    """One document, or a JSON array of documents."""
    content = b"".join(decompressed(path, limits.array_bytes))
    try:
        parsed = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BrokenFeed(f"{path.name} is broken JSON: {error}") from error
    for index, document in enumerate(parsed if isinstance(parsed, list) else [parsed]):
        yield f"{path.name}[{index}]", orjson.dumps(document)


def _lines(path: Path, limits: FeedLimits) -> Documents:
    for number, line in enumerate(_split(path, limits), start=1):
        if line.strip():
            yield f"{path.name}:{number}", line


def _split(path: Path, limits: FeedLimits) -> Iterator[bytes]:
    rest = b""
    for chunk in decompressed(path, limits.total_bytes):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > limits.document_bytes:
            raise BrokenFeed(f"{path.name} has a line longer than {limits.document_bytes} bytes")
        yield from lines
    yield rest


def _whole(file: Path, limit: int) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(limit + 1)
    except OSError as error:
        raise BrokenFeed(f"{file}: {error.strerror or error}") from error
    if len(content) > limit:
        raise BrokenFeed(f"{file.name} holds over {limit} bytes, the limit")
    return content


def decompressed(path: Path, limit: int) -> Iterator[bytes]:
    """The content of a file that may be packed (.gz, .zst), piece by piece. Raises BrokenFeed if it is cut off."""
    total = 0
    try:
        with path.open("rb") as stream:
            for piece in _pieces(path, stream, limit):
                total += len(piece)
                if total > limit:
                    raise BrokenFeed(f"{path.name} holds more than {limit} bytes when decompressed")
                yield piece
    except (OSError, GunzipError, zstandard.ZstdError) as error:
        raise BrokenFeed(f"{path.name}: {error}") from error


def _pieces(path: Path, stream: BinaryIO, limit: int) -> Iterator[bytes]:
    match path.suffix:
        case ".gz":
            return _gunzipped(stream, limit)
        case ".zst":
            return _unzstd(stream)
    return iter(partial(stream.read, _CHUNK), b"")


def _gunzipped(stream: BinaryIO, limit: int) -> Iterator[bytes]:
    gunzip = StreamingGunzip(limit)
    while chunk := stream.read(_CHUNK):
        yield from gunzip.feed(chunk)
    if not gunzip.is_complete:
        raise GunzipError("was cut off")


def _unzstd(stream: BinaryIO) -> Iterator[bytes]:
    """Frame by frame, since only the end of a frame tells a whole stream from one that was cut off."""
    frame, is_open = zstandard.ZstdDecompressor().decompressobj(), False
    while chunk := stream.read(_ZSTD_INPUT):
        while chunk:
            is_open = True
            yield frame.decompress(chunk)
            chunk = b""
            if frame.eof:
                chunk, is_open = frame.unused_data, False
                frame = zstandard.ZstdDecompressor().decompressobj()
    if is_open:
        raise zstandard.ZstdError("the zstd stream was cut off")
