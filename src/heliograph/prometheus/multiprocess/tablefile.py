"""Tables as the bytes of a file: a head in JSON, behind it the columns as they lie in memory.

Called by `snapshot.py` and `archive.py`. Made to be read fast: the labels of a table are one text, its numbers are arrays.
A file is whole or unreadable: its length and a checksum are in front.
"""

from __future__ import annotations

import json
import struct
import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final
from zlib import crc32

from heliograph.prometheus.merge import Note
from heliograph.prometheus.table import Exemplar, Exemplars, Exponential, Exponentials, Family, Histograms, Numbers, Table

_MARK: Final = b"heliograph tables 1\n"  # with the version of the format
_SIZES: Final = struct.Struct("<IQI")  # length of the head and of the columns in bytes, checksum of both
SIGNATURE_BYTES: Final = len(_MARK) + _SIZES.size
"""So many bytes at the beginning of a file are others in every other file."""
_BETWEEN: Final = "\0"  # no label has it (labels.py)


class UnreadableError(ValueError):
    """A file is torn, of somebody else, or of another version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFile:
    """What is in a file: what its kind of file says of itself, and tables. ``changed_s`` says by family when the value of each
    series was seen to change last, in seconds since the epoch."""

    said: Mapping[str, Any]
    tables: Sequence[Table]
    changed_s: Mapping[str, Sequence[float]] = field(default_factory=dict)


def encode(file: TableFile, note: Note) -> bytes:
    """``file`` as bytes. A table that cannot be written is left out, which is noted."""
    columns: list[bytes] = []
    described = []
    for table in file.tables:
        changed_s = file.changed_s.get(table.family.name, ())
        try:
            description, own = _described(table, changed_s)
        except Exception as error:  # whatever a user recorded may be odd in any way; the other tables are written
            note(table.family.name, f"cannot be shown to other processes: {error!r}")
            continue
        described.append(description)
        columns += own
    head = json.dumps({"order": sys.byteorder, "said": file.said, "tables": described}, separators=(",", ":")).encode()
    body = b"".join(columns)
    return b"".join((_MARK, _SIZES.pack(len(head), len(body), crc32(body, crc32(head))), head, body))


def decode(data: bytes) -> TableFile:
    """What `encode` made bytes of. Raises `UnreadableError`."""
    begin = SIGNATURE_BYTES
    if not data.startswith(_MARK) or len(data) < begin:
        raise UnreadableError(f"begins with {data[: len(_MARK)]!r}, expected {_MARK!r}: it is torn, or of another version")
    head_bytes, body_bytes, checksum = _SIZES.unpack_from(data, len(_MARK))
    if len(data) != begin + head_bytes + body_bytes or crc32(memoryview(data)[begin:]) != checksum:
        raise UnreadableError(f"is torn: its {len(data)} bytes are not those that were written")
    try:
        return _decoded(json.loads(data[begin : begin + head_bytes]), _Columns(data, begin + head_bytes))
    except Exception as error:  # the checksum is right, so it is of a version that says something else under the same mark
        raise UnreadableError(f"is of another version: {error!r}") from error


def _decoded(head: Mapping[str, Any], columns: _Columns) -> TableFile:
    if head["order"] != sys.byteorder:
        raise UnreadableError(f"has the byte order {head['order']!r}")
    tables, changed_s = [], {}
    for description in head["tables"]:
        table = _READERS[description["form"]](description, columns)
        if description["changed"]:
            changed_s[table.family.name] = columns.floats(len(table.labels))
        tables.append(table)
    return TableFile(said=head["said"], tables=tables, changed_s=changed_s)


def _described(table: Table, changed_s: Sequence[float]) -> tuple[dict[str, Any], list[bytes]]:
    """What the head says of a table, and its columns, in the order in which they are read."""
    labels = _joined(table.labels)
    form, more, own = _WRITERS[type(table)](table)
    count, exemplar_labels, exemplars = _exemplars(table)
    family = table.family
    said = {
        "form": form,
        "family": {name: getattr(family, name) for name in Family.__slots__},
        "count": len(table.labels),
        "labels": len(labels),
        "created": bool(table.created_s),
        "changed": bool(changed_s),
        "exemplars": count,
        "exemplar_labels": exemplar_labels,
        **more,
    }
    return said, [labels, array("d", table.created_s).tobytes(), *exemplars, *own, array("d", changed_s).tobytes()]


def _joined(labels: Sequence[str]) -> bytes:
    joined = _BETWEEN.join(labels)
    if joined.count(_BETWEEN) >= max(len(labels), 1):
        joined = _BETWEEN.join(label.replace(_BETWEEN, "\ufffd") for label in labels)
    return joined.encode("utf-8", "surrogatepass")


def _exemplars(table: Table) -> tuple[int, int, list[bytes]]:
    """How many there are, how long their labels are in bytes, and their columns."""
    if not table.exemplars:
        return 0, 0, []
    places = {labels: number for number, labels in enumerate(table.labels)}
    listed = [
        (places[labels], place, exemplar)
        for labels, exemplars in table.exemplars.items()
        if labels in places
        for place, exemplar in exemplars.items()
    ]
    labels = _joined([exemplar.labels for _series, _place, exemplar in listed])
    series = array("q", [number for number, _place, _exemplar in listed]).tobytes()
    buckets = array("q", [place for _series, place, _exemplar in listed]).tobytes()
    values = array("d", [exemplar.value for _series, _place, exemplar in listed]).tobytes()
    at_s = array("d", [exemplar.at_s for _series, _place, exemplar in listed]).tobytes()
    return len(listed), len(labels), [labels, series, buckets, values, at_s]


def _numbers(table: Numbers) -> tuple[str, dict[str, Any], list[bytes]]:
    return "numbers", {}, [array("d", table.values).tobytes()]


def _histograms(table: Histograms) -> tuple[str, dict[str, Any], list[bytes]]:
    counts = array("q", chain.from_iterable(table.counts))
    if len(counts) != len(table.labels) * (len(table.bounds) + 1):
        raise ValueError(f"{len(counts)} counts do not fit {len(table.labels)} series with {len(table.bounds)} bounds")
    return "histograms", {"bounds": table.bounds}, [counts.tobytes(), array("d", table.sums).tobytes()]


def _exponentials(table: Exponentials) -> tuple[str, dict[str, Any], list[bytes]]:
    series = [
        (one.scale, one.zero_count, list(one.positive.items()), list(one.negative.items()), one.sum) for one in table.series
    ]
    return "exponentials", {"series": series}, []


_WRITERS: Final[Mapping[type, Callable[[Any], tuple[str, dict[str, Any], list[bytes]]]]] = {
    Numbers: _numbers,
    Histograms: _histograms,
    Exponentials: _exponentials,
}


class _Columns:
    """Reads one column after the other."""

    def __init__(self, data: bytes, begin: int) -> None:
        self._data = data
        self._at = begin

    def _bytes(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at]

    def labels(self, count: int, length_bytes: int) -> list[str]:
        taken = self._bytes(length_bytes)
        return taken.decode("utf-8", "surrogatepass").split(_BETWEEN) if count else []

    def floats(self, count: int) -> list[float]:
        return array("d", self._bytes(8 * count)).tolist()

    def integers(self, count: int) -> list[int]:
        return array("q", self._bytes(8 * count)).tolist()


def _common(description: Mapping[str, Any], columns: _Columns) -> dict[str, Any]:
    count = description["count"]
    labels = columns.labels(count, description["labels"])
    return {
        "family": Family(**description["family"]),
        "labels": labels,
        "created_s": columns.floats(count) if description["created"] else [],
        "exemplars": _read_exemplars(description, labels, columns),
    }


def _read_exemplars(description: Mapping[str, Any], labels: Sequence[str], columns: _Columns) -> dict[str, Exemplars]:
    found: dict[str, Exemplars] = {}
    count = description["exemplars"]
    if not count:
        return found
    said = columns.labels(count, description["exemplar_labels"])
    series, places = columns.integers(count), columns.integers(count)
    exemplars = map(Exemplar, said, columns.floats(count), columns.floats(count))
    for number, place, exemplar in zip(series, places, exemplars, strict=True):
        known = found.get(labels[number])
        if known is None:
            found[labels[number]] = {place: exemplar}
        else:
            known[place] = exemplar
    return found


def _read_numbers(description: Mapping[str, Any], columns: _Columns) -> Table:
    common = _common(description, columns)
    return Numbers(**common, values=columns.floats(description["count"]))


def _read_histograms(description: Mapping[str, Any], columns: _Columns) -> Table:
    common, count = _common(description, columns), description["count"]
    bounds = tuple(description["bounds"])
    width = len(bounds) + 1
    counts = columns.integers(count * width)
    in_buckets: list[Sequence[int]] = [counts[begin : begin + width] for begin in range(0, len(counts), width)]
    return Histograms(**common, bounds=bounds, counts=in_buckets, sums=columns.floats(count))


def _read_exponentials(description: Mapping[str, Any], columns: _Columns) -> Table:
    common = _common(description, columns)
    return Exponentials(
        **common,
        series=[
            Exponential(scale=scale, zero_count=zero_count, positive=dict(positive), negative=dict(negative), sum=total)
            for scale, zero_count, positive, negative, total in description["series"]
        ],
    )


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any], _Columns], Table]]] = {
    "numbers": _read_numbers,
    "histograms": _read_histograms,
    "exponentials": _read_exponentials,
}
