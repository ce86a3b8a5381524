"""Encoders of remote write v1 and Loki push that share nothing with the decoders: protobuf's own, fully described."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

F = descriptor_pb2.FieldDescriptorProto

_MESSAGES = {
    "Label": [("name", 1, F.TYPE_STRING, ""), ("value", 2, F.TYPE_STRING, "")],
    "Sample": [("value", 1, F.TYPE_DOUBLE, ""), ("timestamp", 2, F.TYPE_INT64, "")],
    "Exemplar": [
        ("labels", 1, F.TYPE_MESSAGE, "Label"), ("value", 2, F.TYPE_DOUBLE, ""), ("timestamp", 3, F.TYPE_INT64, ""),
    ],
    "BucketSpan": [("offset", 1, F.TYPE_SINT32, ""), ("length", 2, F.TYPE_UINT32, "")],
    "Histogram": [
        ("count_int", 1, F.TYPE_UINT64, ""), ("count_float", 2, F.TYPE_DOUBLE, ""), ("sum", 3, F.TYPE_DOUBLE, ""),
        ("schema", 4, F.TYPE_SINT32, ""), ("zero_threshold", 5, F.TYPE_DOUBLE, ""),
        ("zero_count_int", 6, F.TYPE_UINT64, ""), ("zero_count_float", 7, F.TYPE_DOUBLE, ""),
        ("negative_spans", 8, F.TYPE_MESSAGE, "BucketSpan"), ("negative_deltas", 9, F.TYPE_SINT64, "REPEATED"),
        ("negative_counts", 10, F.TYPE_DOUBLE, "REPEATED"), ("positive_spans", 11, F.TYPE_MESSAGE, "BucketSpan"),
        ("positive_deltas", 12, F.TYPE_SINT64, "REPEATED"), ("positive_counts", 13, F.TYPE_DOUBLE, "REPEATED"),
        ("reset_hint", 14, F.TYPE_INT32, ""), ("timestamp", 15, F.TYPE_INT64, ""),
        ("custom_values", 16, F.TYPE_DOUBLE, "REPEATED"),
    ],
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


_LOKI = {
    "Timestamp": [("seconds", 1, F.TYPE_INT64, ""), ("nanos", 2, F.TYPE_INT32, "")],
    "Pair": [("name", 1, F.TYPE_STRING, ""), ("value", 2, F.TYPE_STRING, "")],
    "Entry": [
        ("timestamp", 1, F.TYPE_MESSAGE, "=Timestamp"), ("line", 2, F.TYPE_STRING, ""),
        ("structured_metadata", 3, F.TYPE_MESSAGE, "Pair"),
    ],
    "Stream": [
        ("labels", 1, F.TYPE_STRING, ""), ("entries", 2, F.TYPE_MESSAGE, "Entry"), ("hash", 3, F.TYPE_UINT64, ""),
    ],
    "PushRequest": [("streams", 1, F.TYPE_MESSAGE, "Stream")],
}  # fmt: skip


def _classes(package, messages):
    """Message classes; a field of message type is repeated unless its type is written with `=`, others if REPEATED."""
    file = descriptor_pb2.FileDescriptorProto(name=f"tests/{package}.proto", package=package, syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field, number, kind, of in fields:
            label = F.LABEL_REPEATED if of and of[0] != "=" else F.LABEL_OPTIONAL
            of_type = f".{package}.{of.lstrip('=')}" if of and of != "REPEATED" else None
            message.field.add(name=field, number=number, type=kind, label=label, type_name=of_type)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in messages}


WriteRequest = _classes("prompb", _MESSAGES)["WriteRequest"]
PushRequest = _classes("logproto", _LOKI)["PushRequest"]


def push_request(*streams):
    """Bytes of a Loki push; a stream is (labels as text, [(nanoseconds, line, structured metadata), ...])."""
    request = PushRequest()
    for labels, entries in streams:
        stream = request.streams.add(labels=labels, hash=7)
        for nanoseconds, line, metadata in entries:
            entry = stream.entries.add(line=line)
            entry.timestamp.seconds, entry.timestamp.nanos = divmod(nanoseconds, 10**9)
            for name, value in metadata.items():
                entry.structured_metadata.add(name=name, value=value)
    return request.SerializeToString()


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
