"""Attributes and texts without what differs from run to run. Called by ``normal.py``.

Each row of the tables says what it takes out, and why two runs, or two recorders, may differ in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

# In texts: a pattern and what stands for it.
_TEXTS: Final = (
    (re.compile(r"\b(127\.0\.0\.1|localhost):\d+"), r"\1:PORT"),  # servers listen on any free port
    (re.compile(r"(port=|port )\d+"), r"\1PORT"),  # the same, in the words of urllib3's errors
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),  # celery's ids of tasks
    (re.compile(r"\b0x[0-9a-f]{6,}\b"), "ADDRESS"),  # where an object lies, in its repr
    (re.compile(r"\bgen\d+@[\w.-]+"), "gen@HOST"),  # celery's name for a worker: its process id and its host
)

# By the end of a key: numbers that are given anew in each run.
_NUMBERS: Final = (".port",)

_STACKTRACE: Final = "exception.stacktrace"
_FRAME: Final = re.compile(r'^ {2}File ".*?([^/\\"]+)", line (\d+), in (.+)$', re.MULTILINE)
_OWN_FILES: Final = re.compile(r'^ {2}File ".*[/\\]tests[/\\]instrumentations[/\\]')


def attributes_of(pairs: Iterable[Any]) -> dict[str, Any]:
    """OTLP key-values as a dict, scrubbed; fails when a key is there twice."""
    found: dict[str, Any] = {}
    for pair in pairs:
        assert pair.key not in found, f"{pair.key} is there twice"
        found[pair.key] = _attribute(pair.key, _value(pair.value))
    return found


def scrubbed(text: str) -> str:
    """``text`` without ports, ids of the library and addresses."""
    for pattern, instead in _TEXTS:
        text = pattern.sub(instead, text)
    return text


def _attribute(key: str, value: Any) -> Any:
    if key == _STACKTRACE and isinstance(value, str):
        return _stack(value)
    if key.endswith(_NUMBERS) and (type(value) is int or str(value).isdecimal()):
        return f"PORT as {type(value).__name__}"
    return value


def _stack(text: str) -> list[str]:
    """The frames of the scenario and the error. The frames between them may be the recorder's own, which runs the block that
    raised: that the two recorders differ there is no difference in what was recorded."""
    assert text.startswith("Traceback (most recent call last):\n")
    own = [line for line in text.splitlines() if _OWN_FILES.match(line)]
    return [*(_FRAME.sub(r"\1:\2 \3", line) for line in own), scrubbed(text.rstrip().rsplit("\n", 1)[-1])]


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return attributes_of(value.kvlist_value.values)
    if kind == "bytes_value":
        return value.bytes_value.hex()
    found = getattr(value, kind) if kind else None
    return scrubbed(found) if isinstance(found, str) else found
