"""Tables as Prometheus text 0.0.4 or OpenMetrics 1.0, without an object for each sample.

Called by `exposition.py`. The text of a table that is as it was at the scrape before is used again.

Source: Prometheus, "Text-based format"; OpenMetrics 1.0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import repeat
from typing import Any, Final

from prometheus_client.utils import floatToGoString

from heliograph.prometheus.buckets import as_classic
from heliograph.prometheus.table import Exemplar, Exponentials, Family, Histograms, Numbers, Table

SUFFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "counter": ("_total", "_created"),
    "gauge": (),
    "unknown": (),
    "histogram": ("_bucket", "_count", "_sum", "_created"),
}
_OPEN: Final = "\0"  # where a template has the labels of a series; no label has it (labels.py)


def sample_names(family: Family) -> set[str]:
    """Every name that the family may expose, its own included."""
    return {family.name, *(family.name + suffix for suffix in SUFFIXES[family.kind])}


class TextWriter:
    """Writes tables, and remembers what it wrote. One caller at a time."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, bool], tuple[Table, bytes]] = {}

    def write(self, tables: Sequence[Table], *, is_openmetrics: bool, names: Collection[str] = ()) -> list[bytes]:
        """The text of each of ``tables``, which are of different families, without the ``# EOF`` of OpenMetrics; with
        ``names`` only the families and samples of these names."""
        written, kept = [], {}
        for table in tables:
            key = (table.family.name, is_openmetrics)
            known = self._written.get(key)
            if known is None or known[0] != table:
                known = (table, written_table(table, is_openmetrics=is_openmetrics).encode())
            kept[key] = known
            written.append(known[1] if not names else _filtered(known[1], table.family, names))
        # What the other format was last is kept as well: two scrapers may ask in turn.
        others = {key: known for key, known in self._written.items() if key[1] is not is_openmetrics}
        self._written = others | kept
        return written


def written_table(table: Table, *, is_openmetrics: bool) -> str:
    """The head and the samples of one family; nothing when it has no series."""
    if not table.labels:
        return ""
    lines = _WRITERS[type(table)](table, is_openmetrics=is_openmetrics)
    return "".join((_head(table.family, is_openmetrics=is_openmetrics), *lines))


def target_info(labels: str, *, is_openmetrics: bool) -> str:
    """Who sends, with the resource's attributes as ``labels``."""
    name, kind = ("target", "info") if is_openmetrics else ("target_info", "gauge")
    return f"# HELP {name} Target metadata\n# TYPE {name} {kind}\ntarget_info{labels} 1.0\n"


def _head(family: Family, *, is_openmetrics: bool) -> str:
    said = family.description.replace("\\", r"\\").replace("\n", r"\n")
    if not is_openmetrics:
        name = f"{family.name}_total" if family.kind == "counter" else family.name
        kind = "untyped" if family.kind == "unknown" else family.kind
        return f"# HELP {name} {said}\n# TYPE {name} {kind}\n"
    said = said.replace('"', r"\"")
    unit = f"# UNIT {family.name} {family.unit}\n" if family.unit else ""
    return f"# HELP {family.name} {said}\n# TYPE {family.name} {family.kind}\n{unit}"


def _numbers(table: Numbers, *, is_openmetrics: bool) -> list[str]:
    is_counter = table.family.kind == "counter"
    name = f"{table.family.name}_total" if is_counter else table.family.name
    values = table.values
    # A sum is finite when all are.
    shown: Any = values if math.isfinite(sum(values)) else map(_number, values)
    if not is_openmetrics or not is_counter:
        return [f"{name}{labels} {value}\n" for labels, value in zip(table.labels, shown, strict=True)]
    created = _created(table.family.name, table.labels, table.created_s)
    if not table.exemplars:
        return [f"{name}{labels} {value}\n{more}" for labels, value, more in zip(table.labels, shown, created, strict=False)]
    ends = [_exemplar(table.exemplars.get(labels, {}).get(0)) for labels in table.labels]
    rows = zip(table.labels, shown, ends, created, strict=False)
    return [f"{name}{labels} {value}{end}\n{more}" for labels, value, end, more in rows]


def _histograms(table: Histograms, *, is_openmetrics: bool) -> list[str]:
    name = table.family.name
    bounds = [*map(_number, table.bounds), "+Inf"]
    plain, labelled = _templates(name, bounds)
    created: Any = _created(name, table.labels, table.created_s) if is_openmetrics else repeat("")
    lines = []
    for labels, counts, total, more in zip(table.labels, table.counts, table.sums, created, strict=False):
        count, running = 0.0, []
        for in_bucket in counts:
            count += in_bucket
            running.append(count)
        template = labelled.replace(_OPEN, labels[1:-1].replace("%", "%%")) if labels else plain
        shown: Sequence[Any] = running
        if is_openmetrics and (exemplars := table.exemplars.get(labels)):
            shown = [f"{value}{_exemplar(exemplars.get(place))}" for place, value in enumerate(running)]
        lines.append(template % (*shown, count, _number(total)) + more)
    return lines


def _exponentials(table: Exponentials, *, is_openmetrics: bool) -> list[str]:
    return [line for classic in as_classic(table) for line in _histograms(classic, is_openmetrics=is_openmetrics)]


_WRITERS: Final[Mapping[type, Callable[..., list[str]]]] = {
    Numbers: _numbers,
    Histograms: _histograms,
    Exponentials: _exponentials,
}


def _templates(name: str, bounds: list[str]) -> tuple[str, str]:
    """The lines of one series, with ``%s`` for each number: without labels, and with a NUL in their place."""
    plain = "".join(f'{name}_bucket{{le="{bound}"}} %s\n' for bound in bounds) + f"{name}_count %s\n{name}_sum %s\n"
    buckets = "".join(f'{name}_bucket{{{_OPEN},le="{bound}"}} %s\n' for bound in bounds)
    return plain, f"{buckets}{name}_count{{{_OPEN}}} %s\n{name}_sum{{{_OPEN}}} %s\n"


def _created(name: str, labels: Sequence[str], created_s: Sequence[float]) -> Any:
    if not created_s:
        return repeat("")
    return [f"{name}_created{said} {at_s}\n" for said, at_s in zip(labels, created_s, strict=True)]


def _exemplar(found: Exemplar | None) -> str:
    return f" # {found.labels or '{}'} {_number(found.value)} {found.at_s}" if found is not None else ""


def _number(value: float) -> str:
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]


def _filtered(text: bytes, family: Family, names: Collection[str]) -> bytes:
    """A family whose name is asked for as a whole, else of its samples those that are."""
    if family.name in names or not text:
        return text
    wanted = tuple(f"{name}{end}".encode() for name in sample_names(family) & set(names) for end in ("{", " "))
    if not wanted:
        return b""
    head = [line for line in text.split(b"\n", 3) if line.startswith(b"#")]
    kept = [line for line in text.split(b"\n") if line.startswith(wanted)]
    return b"".join(line + b"\n" for line in (*head, *kept)) if kept else b""
