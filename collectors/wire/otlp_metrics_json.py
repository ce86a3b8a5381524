"""OTLP metrics in their JSON form: metric by metric through protobuf's own JSON reader into the protobuf decoder.

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from collectors.wire.decoded import DecodedSamples
from collectors.wire.json_document import an_object, objects, parse_json
from collectors.wire.limits import MAX_DEPTH, DecodeLimits
from collectors.wire.otlp_exemplars import with_binary_ids
from collectors.wire.otlp_metrics import MetricsDecoder
from collectors.wire.otlp_options import PLAIN, OtlpOptions
from telemetry.model.errors import InvalidInput

_KINDS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")


def decode_otlp_metrics_json(body: bytes, limits: DecodeLimits, options: OtlpOptions = PLAIN) -> DecodedSamples:
    """Samples of a request, as `decode_otlp_metrics` gives them. Raises InvalidInput or LimitExceeded."""
    decoder = MetricsDecoder(limits, options)
    request = an_object(parse_json(body, limits), "the body")
    for resource_metrics in objects(request.get("resourceMetrics"), "resourceMetrics"):
        decoder.resource(_encoded(resource_metrics.get("resource"), Resource()))
        for scope_metrics in objects(resource_metrics.get("scopeMetrics"), "scopeMetrics"):
            decoder.scope(_encoded(scope_metrics.get("scope"), InstrumentationScope()))
            for metric in objects(scope_metrics.get("metrics"), "metrics"):
                decoder.metric(_encoded(_readable(metric, limits), Metric()))
        decoder.end_of_resource()
    return decoder.decoded()


def _readable(metric: dict[str, Any], limits: DecodeLimits) -> dict[str, Any]:
    """`metric` with the ids of its exemplars as protobuf's JSON reader wants them."""
    for kind in _KINDS:
        points = objects(an_object(metric.get(kind), kind).get("dataPoints"), "dataPoints")
        limits.check_samples(len(points))
        for point in points:
            if "exemplars" in point:
                point["exemplars"] = [with_binary_ids(each) for each in objects(point["exemplars"], "exemplars")]
    return metric


def _encoded(value: Any, message: Message) -> bytes:
    what = message.DESCRIPTOR.name
    try:
        json_format.ParseDict(
            an_object(value, what), message, ignore_unknown_fields=True, max_recursion_depth=MAX_DEPTH
        )
    except (json_format.ParseError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(f"the JSON of a {what} is not understood: {str(error)[:300]}") from error
    return message.SerializeToString()
