"""Prometheus's protobuf format, read by protobuf itself: the part of ``metrics.proto`` that the tests need, as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, unknown_fields

_TYPES: Final = descriptor_pb2.FieldDescriptorProto
# Message -> field: (number, type, is repeated). Source: prometheus/client_model, io/prometheus/client/metrics.proto.
_MESSAGES: Final[dict[str, dict[str, tuple[int, Any, bool]]]] = {
    "LabelPair": {"name": (1, _TYPES.TYPE_STRING, False), "value": (2, _TYPES.TYPE_STRING, False)},
    "Timestamp": {"seconds": (1, _TYPES.TYPE_INT64, False), "nanos": (2, _TYPES.TYPE_INT32, False)},
    "Exemplar": {"label": (1, "LabelPair", True), "value": (2, _TYPES.TYPE_DOUBLE, False), "at": (3, "Timestamp", False)},
    "Gauge": {"value": (1, _TYPES.TYPE_DOUBLE, False)},
    "Untyped": {"value": (1, _TYPES.TYPE_DOUBLE, False)},
    "Counter": {
        "value": (1, _TYPES.TYPE_DOUBLE, False),
        "exemplar": (2, "Exemplar", False),
        "created": (3, "Timestamp", False),
    },
    "Quantile": {"quantile": (1, _TYPES.TYPE_DOUBLE, False), "value": (2, _TYPES.TYPE_DOUBLE, False)},
    "Summary": {
        "sample_count": (1, _TYPES.TYPE_UINT64, False),
        "sample_sum": (2, _TYPES.TYPE_DOUBLE, False),
        "quantile": (3, "Quantile", True),
    },
    "Bucket": {
        "cumulative_count": (1, _TYPES.TYPE_UINT64, False),
        "upper_bound": (2, _TYPES.TYPE_DOUBLE, False),
        "exemplar": (3, "Exemplar", False),
    },
    "BucketSpan": {"offset": (1, _TYPES.TYPE_SINT32, False), "length": (2, _TYPES.TYPE_UINT32, False)},
    "Histogram": {
        "sample_count": (1, _TYPES.TYPE_UINT64, False),
        "sample_sum": (2, _TYPES.TYPE_DOUBLE, False),
        "bucket": (3, "Bucket", True),
        "schema": (5, _TYPES.TYPE_SINT32, False),
        "zero_threshold": (6, _TYPES.TYPE_DOUBLE, False),
        "zero_count": (7, _TYPES.TYPE_UINT64, False),
        "negative_span": (9, "BucketSpan", True),
        "negative_delta": (10, _TYPES.TYPE_SINT64, True),
        "positive_span": (12, "BucketSpan", True),
        "positive_delta": (13, _TYPES.TYPE_SINT64, True),
        "created": (15, "Timestamp", False),
        "exemplars": (16, "Exemplar", True),
    },
    "Metric": {
        "label": (1, "LabelPair", True),
        "gauge": (2, "Gauge", False),
        "counter": (3, "Counter", False),
        "summary": (4, "Summary", False),
        "untyped": (5, "Untyped", False),
        "histogram": (7, "Histogram", False),
    },
    "MetricFamily": {
        "name": (1, _TYPES.TYPE_STRING, False),
        "help": (2, _TYPES.TYPE_STRING, False),
        "type": (3, _TYPES.TYPE_INT32, False),
        "metric": (4, "Metric", True),
    },
}


def _family_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="heliograph_test_metrics.proto", package="heliograph_test", syntax="proto2")
    for name, fields in _MESSAGES.items():
        made = file.message_type.add(name=name)
        for field, (number, kind, is_repeated) in fields.items():
            label = _TYPES.LABEL_REPEATED if is_repeated else _TYPES.LABEL_OPTIONAL
            if isinstance(kind, str):
                made.field.add(
                    name=field, number=number, label=label, type=_TYPES.TYPE_MESSAGE, type_name=f".heliograph_test.{kind}"
                )
            else:
                made.field.add(name=field, number=number, label=label, type=kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("heliograph_test.MetricFamily"))


_FAMILY: Final = _family_class()


def families(body: bytes) -> dict[str, Any]:
    """The families of ``body`` by name; each may come once."""
    found: dict[str, Any] = {}
    for part in _parts(body):
        family = _FAMILY()
        family.ParseFromString(part)
        assert family.name not in found
        assert len(unknown_fields.UnknownFieldSet(family)) == 0
        found[family.name] = family
    return found


def _parts(body: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(body):
        length = shift = 0
        while True:
            byte = body[place]
            place += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield body[place : place + length]
        place += length
    assert place == len(body)
