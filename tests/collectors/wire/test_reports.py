"""Reports that people's tools send as JSON documents: pip-audit's and deployments."""

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from real_data import real

from collectors.wire.deployment import decode_deployment
from collectors.wire.json_document import parse_shallow_json
from collectors.wire.limits import DecodeLimits
from collectors.wire.pip_audit import decode_pip_audit
from telemetry.model.errors import InvalidInput, LimitExceeded

LIMITS = DecodeLimits()
REPORT = {
    "dependencies": [
        {"name": "django", "version": "3.2.4", "vulns": [
            {"id": "PYSEC-1", "fix_versions": ["3.2.5"], "aliases": ["CVE-1"], "description": "bad"}]},
        {"name": "local", "skip_reason": "not on the index"},
    ],
    "fixes": [],
}  # fmt: skip


def as_body(document):
    return json.dumps(document).encode()


def test_a_report_is_given_back_whole():
    assert decode_pip_audit(as_body(REPORT), LIMITS) == REPORT


def test_reports_of_the_real_tool_are_accepted():
    for path in sorted(real("security/pip-audit").glob("*.json")):
        if not path.name.endswith(".cdx.json"):
            assert decode_pip_audit(path.read_bytes(), LIMITS)["dependencies"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "not a pip-audit report"),
        ({"components": []}, "not a pip-audit report"),
        ({"dependencies": {}}, "not a list of objects"),
        ({"dependencies": [1]}, "not a list of objects"),
        ({"dependencies": [{}]}, "no name"),
        ({"dependencies": [{"name": "a"}]}, "neither a version nor a skip_reason"),
        ({"dependencies": [{"name": "a", "version": 1}]}, "version of a is not text"),
        ({"dependencies": [{"name": "a", "version": "1", "vulns": {}}]}, "vulns of a"),
        ({"dependencies": [{"name": "a", "version": "1", "vulns": [{}]}]}, "has no id"),
        ({"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "x", "aliases": "y"}]}]}, "aliases of x"),
    ],
)
def test_what_is_no_report_is_refused_with_a_reason(document, said):
    with pytest.raises(InvalidInput, match=said):
        decode_pip_audit(as_body(document), LIMITS)


def test_a_deployment_is_read():
    document = {
        "service": "a",
        "environment": "prod",
        "version": "1.2",
        "commit": "abc",
        "time": "2026-11-22T10:00:00Z",
    }
    deployment = decode_deployment(as_body(document), LIMITS)
    assert (deployment.service, deployment.environment, deployment.version) == ("a", "prod", "1.2")
    assert deployment.deployed_at == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert decode_deployment(b'{"environment":"p","version":"1"}', LIMITS).deployed_at is None


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "not a JSON object"),
        ({"environment": "prod"}, "version is missing"),
        ({"version": "1", "environment": " "}, "environment is missing"),
        ({"version": 1, "environment": "p"}, "version is not text"),
        ({"version": "1", "environment": "p", "sha": ""}, "unknown field 'sha'"),
        ({"version": "1", "environment": "p", "time": "soon"}, "'soon' is not a time"),
    ],
)
def test_what_is_no_deployment_is_refused_with_a_reason(document, said):
    with pytest.raises(InvalidInput, match=said):
        decode_deployment(as_body(document), LIMITS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["dependencies", "name", "version", "vulns", "id", "aliases", "skip_reason", "time",
                         "environment", "service"]), inner, max_size=4),
    max_leaves=15,
)  # fmt: skip


@given(json_values)
def test_no_document_raises_anything_but_invalid_input(document):
    for decode in (decode_pip_audit, decode_deployment):
        with contextlib.suppress(InvalidInput):
            decode(as_body(document), LIMITS)


@pytest.mark.parametrize("depth", [65, 500, 100_000])
def test_documents_nested_too_deep_are_refused(depth):
    assert parse_shallow_json(b"[" * 64 + b"]" * 64, LIMITS)
    with pytest.raises(InvalidInput):
        parse_shallow_json(b"[" * depth + b"]" * depth, LIMITS)


def test_documents_of_too_many_values_are_refused():
    with pytest.raises(LimitExceeded, match="parts"):
        parse_shallow_json(b"[" + b"1," * 200 + b"1]", DecodeLimits(max_decoded_bytes=800))
