"""Attributes as labels: valid names, values that any parser reads, in the form in which text writes them.

Repaired are: characters that UTF-8 cannot carry (``?``), NUL, at which Prometheus's parser ends (U+FFFD), names that
Prometheus keeps for itself (`translate.label_name`), and ``le`` on a histogram, whose buckets need it (``exported_le``).
Source: OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from heliograph.catalog.translate import label_name

Labels = dict[str, str]

# A label as it is rendered: its name, and its value as it is escaped.
LABEL: Final = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPED: Final = re.compile(r"\\(.)")


def labels(attributes: Mapping[str, Any] | None, *, is_histogram: bool = False) -> Labels:
    """Attributes as labels. Where two keys become one label, both values are kept, as the specification says."""
    found: Labels = {}
    for key, value in sorted((attributes or {}).items(), key=lambda pair: str(pair[0])):
        name = label_name(text(key))
        name = "exported_le" if is_histogram and name == "le" else name
        shown = _label_value(value)
        found[name] = f"{found[name]};{shown}" if name in found else shown
    return found


def rendered(found: Mapping[str, str]) -> str:
    """Labels in the order of their names, as text writes them: ``{a="b",c="d"}``, or nothing for none."""
    return _in_braces(f'{name}="{escaped(value)}"' for name, value in sorted(found.items()))


def with_more(known: str, more: str) -> str:
    """Rendered labels with others behind them: both as `rendered` makes them, without a name in common."""
    return f"{known[:-1]},{more[1:]}" if known and more else known or more


def pairs(known: str) -> list[tuple[str, str]]:
    """Names and values of rendered labels: the way back."""
    return [(name, _ESCAPED.sub(_unescaped, value)) for name, value in LABEL.findall(known)]


def escaped(value: str) -> str:
    """A label's value between its quotes."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def text(value: Any) -> str:
    """``value`` as text that UTF-8 and every parser can carry."""
    return str("" if value is None else value).encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]


def _in_braces(parts: Iterable[str]) -> str:
    inner = ",".join(parts)
    return f"{{{inner}}}" if inner else ""


def _label_value(value: Any) -> str:
    if isinstance(value, str):
        return text(value)
    try:
        return text(json.dumps(value, default=str))
    except Exception:  # a number too long to write, a cycle, a __str__ that raises
        return f"<{type(value).__name__} that cannot be shown>"
