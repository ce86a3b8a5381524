"""An encoder of remote write v1 that shares nothing with the decoder: protobuf's own, from a full description."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

F = descriptor_pb2.FieldDescriptorProto

_MESSAGES = {
    "Label": [("name", 1, F.TYPE_STRING, ""), ("value", 2, F.TYPE_STRING, "")],
    "Sample": [("value", 1, F.TYPE_DOUBLE, ""), ("timestamp", 2, F.TYPE_INT64, "")],
    "Exemplar": [
        ("labels", 1, F.TYPE_MESSAGE, "Label"), ("value", 2, F.TYPE_DOUBLE, ""), ("timestamp", 3, F.TYPE_INT64, ""),
    ],
    "Histogram": [("sum", 3, F.TYPE_DOUBLE, ""), ("schema", 4, F.TYPE_SINT32, ""), ("timestamp", 15, F.TYPE_INT64, "")],
    "TimeSeries": [
        ("labels", 1, F.TYPE_MESSAGE, "Label"), ("samples", 2, F.TYPE_MESSAGE, "Sample"),
        ("exemplars", 3, F.TYPE_MESSAGE, "Exemplar"), ("histograms", 4, F.TYPE_MESSAGE, "Histogram"),
    ],
    "MetricMetadata": [
        ("type", 1, F.TYPE_INT32, ""), ("metric_family_name", 2, F.TYPE_STRING, ""),
        ("help", 4, F.TYPE_STRING, ""), ("unit", 5, F.TYPE_STRING, ""),
    ],
    "WriteRequest": [
        ("timeseries", 1, F.TYPE_MESSAGE, "TimeSeries"), ("metadata", 3, F.TYPE_MESSAGE, "MetricMetadata"),
    ],
}  # fmt: skip


def _classes():
    file = descriptor_pb2.FileDescriptorProto(name="tests/prompb.proto", package="prompb", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, of in fields:
            label = F.LABEL_REPEATED if of else F.LABEL_OPTIONAL
            message.field.add(
                name=field, number=number, type=kind, label=label, type_name=f".prompb.{of}" if of else None
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"prompb.{name}")) for name in _MESSAGES}


CLASSES = _classes()
WriteRequest = CLASSES["WriteRequest"]


def write_request(*series, metadata=()):
    """Bytes of a request; a series is (labels as a dict or pairs, [(timestamp_ms, value), ...])."""
    request = WriteRequest()
    for labels, samples in series:
        one = request.timeseries.add()
        for name, value in labels.items() if isinstance(labels, dict) else labels:
            one.labels.add(name=name, value=value)
        for timestamp, value in samples:
            one.samples.add(timestamp=timestamp, value=value)
    for kind, family, text, unit in metadata:
        request.metadata.add(type=kind, metric_family_name=family, help=text, unit=unit)
    return request.SerializeToString()
