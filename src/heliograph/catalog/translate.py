"""OpenTelemetry's names as Prometheus's: those that ``/metrics`` shows, and those that Prometheus makes of OTLP.

The two ways differ: see `pull_name` and `otlp_name`. Pure; called by the catalogue and by the exposition.

Sources: OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility"; for OTLP, Prometheus's ``otlptranslator``
with the translation strategy UnderscoreEscapingWithSuffixes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

# UCUM's codes and Prometheus's words; what is not here stays as it is written.
_UNITS: Final[Mapping[str, str]] = {
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes",
    "KiBy": "kibibytes",
    "MiBy": "mebibytes",
    "GiBy": "gibibytes",
    "TiBy": "tibibytes",
    "KBy": "kilobytes",
    "MBy": "megabytes",
    "GBy": "gigabytes",
    "TBy": "terabytes",
    "m": "meters",
    "V": "volts",
    "A": "amperes",
    "J": "joules",
    "W": "watts",
    "g": "grams",
    "Cel": "celsius",
    "Hz": "hertz",
    "%": "percent",
    "1": "",
}
_PER: Final[Mapping[str, str]] = {
    "s": "second",
    "m": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
    "mo": "month",
    "y": "year",
}
# What ends the name of a kind, or of a kind with a unit, that comes by OTLP.
_LAST_WORDS: Final[Mapping[tuple[str, str], str]] = {("counter", ""): "total", ("gauge", "1"): "ratio"}
_BRACE: Final = re.compile(r"[{}]")
_IN_BRACES: Final = re.compile(r"\{.*\}")  # UCUM: an annotation, which says nothing of the unit
_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9:]+")
_NOT_IN_LABELS: Final = re.compile(r"[^a-zA-Z0-9]+")


def metric_name(name: str) -> str:
    """``name`` with the characters that Prometheus allows: runs of others become ``_``, and so does a leading digit."""
    return _NOT_IN_NAMES.sub("_", _without_digit(name)) or "_"


def label_name(key: str) -> str:
    """An attribute's key as the name of a label. Names with ``__`` in front, which Prometheus keeps for itself, cannot come
    about, since runs of other characters become one ``_``."""
    return _NOT_IN_LABELS.sub("_", _without_digit(key)) or "_"


def unit_word(unit: str) -> str:
    """The unit as a name shows it: ``s`` is ``seconds``, ``By/s`` is ``bytes_per_second``; ``1`` and ``{thing}`` are nothing
    there."""
    unit = _IN_BRACES.sub("", unit)
    if unit in _UNITS:
        return _UNITS[unit]
    top, slash, bottom = unit.partition("/")
    if slash and (bottom := _NOT_IN_NAMES.sub("_", bottom)):
        top = _NOT_IN_NAMES.sub("_", top)
        top, bottom = _UNITS.get(top, top), _PER.get(bottom, bottom)
        return f"{top}_per_{bottom}" if top else f"per_{bottom}"
    return _NOT_IN_NAMES.sub("_", unit).strip("_")


def pull_name(name: str, unit: str, kind: str) -> str:
    """What ``/metrics`` calls a metric: its name, its unit unless the name ends with that, and ``_total`` for a ``kind`` of
    ``"counter"``. A histogram's samples have ``_bucket``, ``_sum`` and ``_count`` behind it."""
    found = metric_name(name)
    if kind == "counter":
        found = found.removesuffix("_total") or "_"
    word = unit_word(unit)
    if word and not found.endswith(f"_{word}"):
        found = f"{found}_{word}"
    return f"{found}_total" if kind == "counter" else found


def otlp_name(name: str, unit: str, kind: str) -> str:
    """What Prometheus calls a metric that it receives by OTLP: the words of its name, those of its unit that are not among
    them, ``total`` at the end of a counter, and ``ratio`` at the end of a gauge without a dimension (unit ``1``). A name of
    which nothing is left, which Prometheus refuses, is ``_``."""
    words = [word for word in _NOT_IN_NAMES.split(name) if word]
    of, per = _otlp_unit(unit)
    words += [word for word in (of, per) if word and word not in words]
    last = _LAST_WORDS.get((kind, unit)) or _LAST_WORDS.get((kind, ""))
    if last:
        words = [*(word for word in words if word != last), last]
    found = "_".join(words)
    return f"_{found}" if not found or found[0].isdigit() else found


def _otlp_unit(unit: str) -> tuple[str, str]:
    """The words of a unit and of what it is ``per``. A part with braces is none, as are spaces around one."""
    of, _slash, per = (part.strip() for part in unit.partition("/"))
    of = "" if _BRACE.search(of) else _NOT_IN_NAMES.sub("_", _UNITS.get(of, of)).removeprefix("_")
    per = "" if _BRACE.search(per) else _NOT_IN_NAMES.sub("_", _PER.get(per, per)).strip("_")
    return (of.removesuffix("_"), f"per_{per}") if per else (of, "")


def _without_digit(name: str) -> str:
    return "_" + name[1:] if name[:1].isdigit() else name
