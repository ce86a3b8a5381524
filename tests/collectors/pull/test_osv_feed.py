"""Feeds are read whole or not at all."""

import gzip
import json
import random
import struct
import zipfile
from pathlib import Path

import pytest
import zstandard

from collectors.pull.osv_feed import BrokenFeed, FeedLimits, feed_documents

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "advisories" / "pypa"
NOISE = random.Random(7)
DOCUMENTS = [{"id": f"A-{number}", "details": NOISE.randbytes(200).hex()} for number in range(50)]
LINES = b"".join(json.dumps(document).encode() + b"\n" for document in DOCUMENTS)


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in members.items():
            out.writestr(name, content)
    return path


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def read(path: Path) -> list[dict[str, str]]:
    return [json.loads(content) for _, content in feed_documents(path)]


def test_every_form_of_a_feed_gives_the_same_documents(tmp_path: Path) -> None:
    folder = tmp_path / "folder" / "inner"
    folder.mkdir(parents=True)
    for number, document in enumerate(DOCUMENTS):
        write(folder / f"{number:03}.json", json.dumps(document, indent=2).encode())
    members = {f"{document['id']}.json": json.dumps(document).encode() for document in DOCUMENTS}
    feeds = [
        archive(tmp_path / "all.zip", members),
        folder.parent,
        write(tmp_path / "all.json", json.dumps(DOCUMENTS).encode()),
        write(tmp_path / "all.json.gz", gzip.compress(json.dumps(DOCUMENTS).encode())),
        write(tmp_path / "all.jsonl", LINES + b"\n  \n"),
        write(tmp_path / "unended.jsonl", LINES.rstrip()),
        write(tmp_path / "all.jsonl.gz", gzip.compress(LINES[:5000]) + gzip.compress(LINES[5000:])),
        write(tmp_path / "all.jsonl.zst", zstandard.compress(LINES)),
        write(tmp_path / "two.jsonl.zst", zstandard.compress(LINES[:5000]) + zstandard.compress(LINES[5000:])),
    ]
    for feed in feeds:
        assert read(feed) == DOCUMENTS, feed
    assert read(write(tmp_path / "one.json", json.dumps(DOCUMENTS[0]).encode())) == DOCUMENTS[:1]


def test_the_real_archive_and_the_real_lines_hold_the_same_advisories() -> None:
    if not REAL.is_dir():
        pytest.skip(f"{REAL} is not here")
    zipped, lined = read(REAL / "all.zip"), read(REAL / "all.jsonl.zst")
    assert len(zipped) == 2661
    by_id = {document["id"]: document for document in lined}
    assert by_id == {document["id"]: document for document in zipped}


@pytest.mark.parametrize("name", ["all.zip", "all.json", "all.json.gz", "all.jsonl.gz", "all.jsonl.zst"])
def test_a_feed_cut_off_anywhere_is_refused(tmp_path: Path, name: str) -> None:
    whole = {
        "all.zip": lambda: archive(tmp_path / "w.zip", {"a.json": LINES, "b.json": LINES}).read_bytes(),
        "all.json": lambda: json.dumps(DOCUMENTS).encode(),
        "all.json.gz": lambda: gzip.compress(json.dumps(DOCUMENTS).encode()),
        "all.jsonl.gz": lambda: gzip.compress(LINES),
        "all.jsonl.zst": lambda: zstandard.compress(LINES),
    }[name]()
    for share in (0.1, 0.5, 0.9, 0.999):
        feed = write(tmp_path / name, whole[: int(len(whole) * share)])
        with pytest.raises(BrokenFeed):
            list(feed_documents(feed))


def test_a_damaged_archive_member_is_found_by_its_checksum(tmp_path: Path) -> None:
    feed = tmp_path / "all.zip"
    with zipfile.ZipFile(feed, "w", zipfile.ZIP_STORED) as out:
        out.writestr("a.json", LINES)
    damaged = bytearray(feed.read_bytes())
    damaged[500] ^= 1
    with pytest.raises(BrokenFeed, match="broken archive"):
        list(feed_documents(write(feed, bytes(damaged))))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    feed = archive(tmp_path / "bomb.zip", {"a.json": bytes(7 * 1024**2)})
    with pytest.raises(BrokenFeed, match=r"a\.json is compressed by more than 100 to 1"):
        list(feed_documents(feed))


def test_a_member_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    feed = archive(tmp_path / "liar.zip", {"a.json": LINES})
    content = bytearray(feed.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", 10)  # its uncompressed size in the directory
    with pytest.raises(BrokenFeed):
        list(feed_documents(write(feed, bytes(content))))


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (FeedLimits(documents=10), "the archive holds 50 files; the limit is 10"),
        (FeedLimits(document_bytes=20), "A-0.json holds .* bytes; the limit is 20"),
        (FeedLimits(total_bytes=3000), "more than 3000 bytes when decompressed"),
    ],
)
def test_every_limit_names_itself(tmp_path: Path, limits: FeedLimits, sentence: str) -> None:
    members = {f"{document['id']}.json": json.dumps(document).encode() for document in DOCUMENTS}
    with pytest.raises(BrokenFeed, match=sentence):
        list(feed_documents(archive(tmp_path / "all.zip", members), limits))


def test_limits_hold_for_lines_as_well(tmp_path: Path) -> None:
    lines = write(tmp_path / "all.jsonl", LINES)
    with pytest.raises(BrokenFeed, match="more than 10 documents"):
        list(feed_documents(lines, FeedLimits(documents=10)))
    with pytest.raises(BrokenFeed, match="longer than 1000 bytes"):
        list(feed_documents(write(tmp_path / "long.jsonl", b"x" * 5000), FeedLimits(document_bytes=1000)))
    bomb = write(tmp_path / "bomb.jsonl.zst", zstandard.compress(bytes(64 * 1024**2)))
    with pytest.raises(BrokenFeed, match="holds more than 1048576 bytes"):
        list(feed_documents(bomb, FeedLimits(total_bytes=1024**2, document_bytes=2 * 1024**2)))


def test_archives_inside_archives_are_left_alone(tmp_path: Path) -> None:
    inner = archive(tmp_path / "inner.zip", {"x.json": b"{}"}).read_bytes()
    outer = archive(tmp_path / "outer.zip", {"inner.zip": inner, "../../a.json": b'{"id": "A-1"}'})
    assert read(outer) == [{"id": "A-1"}]


def test_something_else_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BrokenFeed, match="no such file"):
        list(feed_documents(tmp_path / "missing.zip"))
    with pytest.raises(BrokenFeed, match="no whole zip archive"):
        list(feed_documents(write(tmp_path / "all.tar", b"whatever")))
