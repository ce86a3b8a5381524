"""Documents of our own making: deployments, and what every JSON document is refused for."""

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.wire.deployment import decode_deployment
from collectors.wire.json_document import parse_shallow_json
from collectors.wire.limits import DecodeLimits
from telemetry.model.errors import InvalidInput, LimitExceeded

LIMITS = DecodeLimits()


def as_body(document):
    return json.dumps(document).encode()


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
    little = decode_deployment(b'{"version":"1"}', LIMITS)
    assert (little.service, little.environment, little.deployed_at) == ("", "production", None)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "not a JSON object"),
        ({"environment": "prod"}, "version is missing"),
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
        st.sampled_from(["version", "time", "environment", "service"]), inner, max_size=4),
    max_leaves=15,
)  # fmt: skip


@given(json_values)
def test_no_document_raises_anything_but_invalid_input(document):
    with contextlib.suppress(InvalidInput):
        decode_deployment(as_body(document), LIMITS)


@pytest.mark.parametrize("depth", [65, 500, 100_000])
def test_documents_nested_too_deep_are_refused(depth):
    assert parse_shallow_json(b"[" * 64 + b"]" * 64, LIMITS)
    with pytest.raises(InvalidInput):
        parse_shallow_json(b"[" * depth + b"]" * depth, LIMITS)


def test_documents_of_too_many_values_are_refused():
    with pytest.raises(LimitExceeded, match="parts"):
        parse_shallow_json(b"[" + b"1," * 200 + b"1]", DecodeLimits(max_decoded_bytes=800))
