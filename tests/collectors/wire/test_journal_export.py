import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.wire.journal_export import decode_journal, entries
from collectors.wire.limits import DecodeLimits
from telemetry.model.errors import InvalidInput

LIMITS = DecodeLimits()


def encoded(name, value):
    if b"\n" in value:
        return name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
    return name.encode() + b"=" + value + b"\n"


names = st.from_regex(r"[A-Z_][A-Z0-9_]{0,20}", fullmatch=True)


@given(st.lists(st.dictionaries(names, st.binary(max_size=50), min_size=1), max_size=4))
def test_every_entry_comes_back(exported):
    body = b"\n".join(b"".join(encoded(*field) for field in entry.items()) for entry in exported)
    assert list(entries(body + b"\n" if exported else body)) == exported


def test_an_entry_becomes_a_record():
    body = (
        b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1700000000000001\nPRIORITY=3\n_HOSTNAME=a\n_SYSTEMD_UNIT=nginx.service\n"
        + encoded("MESSAGE", b"two\nlines \xff")
        + b"_PID=7\n\n__REALTIME_TIMESTAMP=1700000000000002\nMESSAGE=next\nSYSLOG_IDENTIFIER=cron\n"
    )
    batch = decode_journal(body, LIMITS, received_ns=1).batch
    assert list(batch.bodies) == ["two\nlines �", "next"]
    assert batch.timestamps_ns.tolist() == [1700000000000001000, 1700000000000002000]
    assert batch.severity_numbers.tolist() == [17, 0]
    assert dict(batch.streams[0]) == {"host": "a", "service": "nginx", "unit": "nginx.service"}
    assert dict(batch.streams[1]) == {"service": "cron"}
    assert '"_PID":"7"' in batch.attributes[0]


@pytest.mark.parametrize("body", [b"MESSAGE\n\x05\0\0\0\0\0\0\0abc", b"A=1\n__REALTIME_TIMESTAMP=x\n", b"B\nabc"])
def test_broken_entries_are_refused(body):
    with pytest.raises(InvalidInput):
        decode_journal(body, LIMITS, received_ns=1)
