"""OTLP JSON: a request message as one line of text.

It is protobuf's JSON mapping with two differences (OTLP specification, "JSON Protobuf Encoding"): trace and span ids are
hexadecimal instead of base64, and enumerations are numbers.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

_ID_FIELDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})


def json_line(message: Message) -> bytes:
    """Render ``message`` as one line of UTF-8 JSON, with the line feed."""
    document = MessageToDict(message, use_integers_for_enums=True)
    _ids_to_hexadecimal(document)
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _ids_to_hexadecimal(node: Any) -> None:
    if isinstance(node, dict):
        for name, value in node.items():
            if name in _ID_FIELDS and isinstance(value, str):
                node[name] = base64.b64decode(value).hex()
            else:
                _ids_to_hexadecimal(value)
    elif isinstance(node, list):
        for value in node:
            _ids_to_hexadecimal(value)
