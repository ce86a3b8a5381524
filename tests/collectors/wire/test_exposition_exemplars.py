"""Exemplars are taken off the lines of a page, and the lines stay what they were."""

import pytest

from collectors.wire.exposition import decode_pushed_page, parse_exposition
from collectors.wire.exposition_exemplars import ExemplarText, cut_exemplars
from collectors.wire.exposition_series import TargetSeries
from collectors.wire.limits import DecodeLimits
from telemetry.model.errors import InvalidInput
from telemetry.model.exemplars import Exemplar
from tests.collectors.wire.real_data import real

NOW = 1_760_000_000_000
LIMITS = DecodeLimits()


def decode(page):
    return decode_pushed_page(page, now_ms=NOW, openmetrics=True, target=TargetSeries(), limits=LIMITS)


def test_an_exemplar_is_cut_off_its_line():
    page = b'# HELP a "# {"\na{x="# {y}"} 1 2.5 # {trace_id="1"} 0.5 1.25\nb 2\n# EOF\n'
    plain, found = cut_exemplars(page)
    assert plain == b'# HELP a "# {"\na{x="# {y}"} 1 2.5\nb 2\n# EOF\n'
    assert found == [ExemplarText(b'a{x="# {y}"}', b'{trace_id="1"} 0.5 1.25')]
    assert found[0].read(NOW) == Exemplar(1250, 0.5, (("trace_id", "1"),))


def test_an_exemplar_without_a_time_gets_that_of_the_page_and_may_have_no_labels():
    assert ExemplarText(b"a", b"{} 0x10").read(NOW) == Exemplar(NOW, 16.0, ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{} ", "expected `{labels} value"),
        (b"{} 1 2 3", "expected `{labels} value"),
        (b"{} 1_0", "'1_0' is not a number"),
        (b"{} 1 nan", "'nan' is not a timestamp"),
        (b"{a=1} 1", "labels of '{a=1} 1' are not understood"),
        (b'{a="%b"} 1' % (b"x" * 128), "129 characters; the limit is 128"),
    ],
)
def test_a_broken_exemplar_is_refused_by_name_and_the_sample_is_taken(text, said):
    with pytest.raises(InvalidInput, match=said.replace("{", r"\{")):
        ExemplarText(b"a", text).read(NOW)
    decoded = decode(b"a 1 # " + text + b"\n# EOF\n")
    assert (decoded.batch.values.tolist(), decoded.exemplars) == ([1.0], None)
    assert said in decoded.refusals[0].message


def test_text_pages_have_no_exemplars():
    with pytest.raises(InvalidInput, match="line 1"):
        parse_exposition(b'a 1 # {x="y"} 1\n', default_timestamp_ms=NOW, limits=LIMITS)


@pytest.mark.parametrize(("name", "count"), [("client_python/app.om.txt", 7), ("textparse/alltypes.5mfs.om.txt", None)])
def test_exemplars_of_real_pages_are_read(name, count):
    page = real(f"expositions/{name}").read_bytes()
    decoded = decode(page)
    assert decoded.refusals == ()
    assert len(decoded.exemplars) == page.count(b" # {") if count is None else count
    first = decoded.exemplars.exemplars[0]
    assert first.labels[0][0] in ("trace_id", "dummyID")
    series = [decoded.exemplars.decode_key(key) for key in decoded.exemplars.keys]
    assert set(series) <= {decoded.batch.decode_key(key) for key in decoded.batch.keys}
