"""Bodies come out of their compression whole, or are refused before they take memory."""

import contextlib
import gzip
import tracemalloc
import zlib

import cramjam
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from collectors.wire.compression import decompress
from collectors.wire.limits import DecodeLimits, UnsupportedEncoding
from telemetry.model.errors import InvalidInput, LimitExceeded

LIMITS = DecodeLimits()


def zstd_stream(data):
    frame = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return frame.compress(data) + frame.flush()


def bare_deflate(data):
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


ENCODERS = {
    "gzip": gzip.compress,
    "x-gzip": lambda data: gzip.compress(data[:5]) + gzip.compress(data[5:]),
    "deflate": zlib.compress,
    "Deflate": bare_deflate,
    "zstd": zstandard.ZstdCompressor().compress,
    " ZSTD ": lambda data: zstd_stream(data[:5]) + zstd_stream(data[5:]),
    "snappy": lambda data: bytes(cramjam.snappy.compress_raw(data)),
    "identity": lambda data: data,
    "": lambda data: data,
}


@pytest.mark.parametrize("encoding", ENCODERS)
@given(data=st.binary(max_size=2000))
def test_every_encoding_gives_back_what_was_compressed(encoding, data):
    assert decompress(ENCODERS[encoding](data), encoding, LIMITS) == data


@pytest.mark.parametrize("encoding", [name for name in ENCODERS if name not in ("", "identity")])
@given(data=st.binary(max_size=200))
def test_no_bytes_raise_anything_but_invalid_input(encoding, data):
    with contextlib.suppress(InvalidInput, LimitExceeded):
        decompress(data, encoding, LIMITS)


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("zstd", ENCODERS["zstd"]),
        ("zstd", zstd_stream),
        ("snappy", ENCODERS["snappy"]),
    ],
)
def test_a_body_that_was_cut_is_invalid_and_never_shorter(encoding, compress):
    whole = compress(b"some lines of a log, " * 400 + bytes(range(256)))
    for length in range(0, len(whole), 7):
        with pytest.raises(InvalidInput):
            decompress(whole[:length], encoding, LIMITS)


def test_an_unknown_encoding_names_those_that_are_understood():
    with pytest.raises(UnsupportedEncoding, match="'br' is not understood; use deflate, gzip, snappy"):
        decompress(b"", "br", LIMITS)


BOMB = bytes(200 * 1024**2)
BOMBS = {
    "gzip": lambda: gzip.compress(BOMB, 1),
    "deflate": lambda: zlib.compress(BOMB, 1),
    "zstd": lambda: zstandard.ZstdCompressor().compress(BOMB),
    " ZSTD ": lambda: zstd_stream(BOMB),
    "snappy": lambda: b"\x80\x80\x80\x80\x04" + b"\xfe\x01\x00" * 1000,
}


@pytest.mark.parametrize("encoding", BOMBS)
def test_a_bomb_is_refused_with_bounded_memory(encoding):
    bomb = BOMBS[encoding]()
    tracemalloc.start()
    with pytest.raises(LimitExceeded, match="BELVEDERE_MAX_DECODED_BYTES"):
        decompress(bomb, encoding, LIMITS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < LIMITS.max_decoded_bytes + 8 * 1024**2


def test_a_plain_body_over_the_limit_is_refused_with_value_and_limit():
    with pytest.raises(LimitExceeded, match=r"11 bytes.*limit of 10 \(BELVEDERE_MAX_DECODED_BYTES\)"):
        decompress(b"x" * 11, "", DecodeLimits(max_decoded_bytes=10))


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_body_of_thousands_of_empty_members_is_refused(encoding):
    with pytest.raises(InvalidInput, match="more than 100"):
        decompress(ENCODERS[encoding](b"") * 5000, encoding, LIMITS)
