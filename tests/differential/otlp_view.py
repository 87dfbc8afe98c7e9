"""OTLP messages as plain values that can be compared whole: what only the moment or the machine decides is taken out."""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Iterable
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

_NEAR_NS = 3600 * 10**9
# A frame of a traceback, with the lines that belong to it.
_FRAME = re.compile(r'^(?P<bar>[ |]*)  File "(?P<file>[^"]*)", line \d+, in .*\n(?:(?P=bar)    .*\n)*', re.MULTILINE)
_OWN_FILES = "/tests/differential/"


def plain(message: Message) -> dict[str, Any]:
    """Every field that is set, by name; attributes as a list of pairs in their order."""
    return {field.name: _plain(field, value) for field, value in message.ListFields()}


def _plain(field: Any, value: Any) -> Any:
    if field.message_type is None:
        return list(value) if _is_repeated(value) else value
    if field.message_type is KeyValue.DESCRIPTOR:
        return [(pair.key, any_value(pair.value)) for pair in value]
    return [plain(item) for item in value] if _is_repeated(value) else plain(value)


def _is_repeated(value: Any) -> bool:
    return not isinstance(value, (str, bytes, Message)) and hasattr(value, "__len__")


def any_value(value: AnyValue) -> Any:
    """A value with its kind, so that 1, 1.0 and True differ, and -0.0 from 0.0; None where there is none."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return kind, [any_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return kind, sorted(((pair.key, any_value(pair.value)) for pair in value.kvlist_value.values), key=repr)
    held = getattr(value, kind)
    return kind, struct.pack(">d", held) if kind == "double_value" else held


def when(time_ns: int) -> int | str:
    """A time that the program gave, or "now" for one of the clock's."""
    return "now" if abs(time.time_ns() - time_ns) < _NEAR_NS else time_ns


def in_order(times_ns: Iterable[int]) -> bool:
    """Whether those of the clock's among ``times_ns`` do not fall."""
    clocked = [time_ns for time_ns in times_ns if when(time_ns) == "now"]
    return clocked == sorted(clocked)


def without_foreign_frames(text: str) -> str:
    """A traceback with the frames of the program only."""
    return _FRAME.sub(lambda frame: frame[0] if _OWN_FILES in frame["file"] else "", text)
