"""How much CPU time it takes to make one of what eight processes of 5,000 series each have published, beside
``prometheus_client``'s ``MultiProcessCollector``.

Both read the same from a directory: a third of the series are counters, a third gauges of which each process keeps its own, a
third the lines of histograms with ten buckets; all have three labels. Before the time runs, the two are shown to say the same.
Every value changes between two readings, so nothing that was read before is of use. Told beside it, without a bar: what a
process takes to publish such 5,000 series, for which nobody's call waits.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import prometheus_client
from prometheus_client import multiprocess as peer_multiprocess
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from benchmarks.measure import Effort, medians_ns
from benchmarks.row import Bar, Row
from heliograph.prometheus.labels import rendered
from heliograph.prometheus.multiprocess.across import of_service
from heliograph.prometheus.multiprocess.directory import Directory
from heliograph.prometheus.multiprocess.process import this_process
from heliograph.prometheus.multiprocess.snapshot import Snapshot
from heliograph.prometheus.table import Family, Histograms, Numbers, Table

_MEMBERS: Final = 8
_SERIES: Final = 5000
_ROUNDS: Final = 9
_METHODS: Final = ("GET", "PUT", "POST")
_BUCKETS: Final = tuple(float(bound) for bound in range(1, 11))
_LINES_OF_A_HISTOGRAM: Final = len(_BUCKETS) + 3  # +Inf, sum and count
_COUNTER: Final = Family(name="shop_requests", kind="counter", description="m")
_GAUGE: Final = Family(name="shop_depth", kind="gauge", across="per_process", description="m")
_TIME: Final = Family(name="shop_time", kind="histogram", description="m")
_ENDS: Final = {"counter": "_total", "gauge": ""}


def multiprocess(effort: Effort) -> list[Row]:
    """In ms."""
    series = min(_SERIES, effort.size * 10)
    rounds = min(effort.rounds, _ROUNDS)
    with tempfile.TemporaryDirectory() as folder, _peer(Path(folder) / "peer", series) as peer:
        ours = _Ours(Path(folder) / "ours", series)
        steps = itertools.count(1)

        def change() -> None:
            step = next(steps)
            ours.change(step)
            peer.change(step)

        change()
        _compare(ours.read(), peer.read())
        ours_ns, peer_ns = medians_ns(change, [lambda _nothing: ours.read(), lambda _nothing: peer.read()], rounds)
        (publish_ns,) = medians_ns(lambda: next(steps), [lambda step: ours.publish(0, step)], rounds)
    return [
        Row(
            what=f"merge of {_MEMBERS} processes x {series:,} series",
            unit="ms",
            ours=ours_ns / 1e6,
            peer=peer_ns / 1e6,
            peer_name="prometheus_client",
            bar=Bar("at most", 150.0),
        ),
        Row(what=f"publication of {series:,} series", unit="ms", ours=publish_ns / 1e6),
    ]


def _labels(count: int) -> list[dict[str, str]]:
    return [
        {"customer": f"customer-{number:06}", "method": _METHODS[number % 3], "route": "/orders/{id}"}
        for number in range(count)
    ]


class _Ours:
    """The directory of eight processes, and one that reads it for the first time each time."""

    def __init__(self, path: Path, series: int) -> None:
        path.mkdir()
        self._directory = Directory(path, print)
        self._numbers = list(map(rendered, _labels(series // 3)))
        self._histograms = self._numbers[: series // 3 // _LINES_OF_A_HISTOGRAM]

    def change(self, step: int) -> None:
        for member in range(_MEMBERS):
            self.publish(member, step)

    def publish(self, member: int, step: int) -> None:
        snapshot = Snapshot(
            member=str(member),
            process=this_process()._replace(pid=member),
            parent=None,
            published_at_s=float(step),
            tables=self._tables(member, step),
        )
        self._directory.write(snapshot, snapshot.encoded(_fail))

    def _tables(self, member: int, step: int) -> list[Table]:
        values = [float(step + member + number) for number in range(len(self._numbers))]
        histograms = self._histograms
        return [
            Numbers(family=_COUNTER, labels=self._numbers, values=values),
            Numbers(family=_GAUGE, labels=self._numbers, values=values),
            Histograms(
                family=_TIME,
                bounds=_BUCKETS,
                labels=histograms,
                counts=[[step + member] * (len(_BUCKETS) + 1) for _labels in histograms],
                sums=values[: len(histograms)],
            ),
        ]

    def read(self) -> list[Table]:
        snapshots, archive = Directory(self._directory.path, print).everyone()
        return of_service(snapshots, [], archive.tables, _fail)


class _Peer:
    """The files of eight processes of ``prometheus_client``'s, written as it writes them."""

    def __init__(self, path: Path, series: int) -> None:
        path.mkdir()
        self._path = str(path)
        self._files = {
            (kind, member): MmapedDict(str(path / f"{kind}_{member}.db"))  # type: ignore[no-untyped-call]
            for kind in ("counter", "gauge_all", "histogram")
            for member in range(_MEMBERS)
        }
        numbers = _labels(series // 3)
        self._keys = {kind: [_key(kind, "", labels) for labels in numbers] for kind in ("counter", "gauge")}
        histograms = numbers[: series // 3 // _LINES_OF_A_HISTOGRAM]
        bounds = [*map(str, _BUCKETS), "+Inf"]
        self._buckets = [[_key("histogram", "_bucket", {**labels, "le": bound}) for bound in bounds] for labels in histograms]
        self._sums = [_key("histogram", "_sum", labels) for labels in histograms]

    def change(self, step: int) -> None:
        for member in range(_MEMBERS):
            for kind, name in (("counter", "counter"), ("gauge", "gauge_all")):
                self._write(
                    name, member, self._keys[kind], [float(step + member + number) for number in range(len(self._keys[kind]))]
                )
            for keys in self._buckets:
                self._write("histogram", member, keys, [float(step + member)] * len(keys))
            self._write("histogram", member, self._sums, [float(step + member + number) for number in range(len(self._sums))])

    def _write(self, name: str, member: int, keys: Sequence[str], values: Sequence[float]) -> None:
        write = self._files[name, member].write_value
        for key, value in zip(keys, values, strict=True):
            write(key, value, 0.0)  # type: ignore[no-untyped-call]

    def read(self) -> list[Any]:
        registry = prometheus_client.CollectorRegistry()
        return list(peer_multiprocess.MultiProcessCollector(registry, self._path).collect())  # type: ignore[no-untyped-call]

    def close(self) -> None:
        for file in self._files.values():
            file.close()  # type: ignore[no-untyped-call]


@contextmanager
def _peer(path: Path, series: int) -> Iterator[_Peer]:
    peer = _Peer(path, series)
    try:
        yield peer
    finally:
        peer.close()


def _key(kind: str, end: str, labels: dict[str, str]) -> str:
    name = {"counter": _COUNTER, "gauge": _GAUGE, "histogram": _TIME}[kind].name
    made: str = mmap_key(name, name + (end or _ENDS[kind]), list(labels), list(labels.values()), "m")  # type: ignore[no-untyped-call]
    return made


def _compare(ours: Sequence[Table], peer: Sequence[Any]) -> None:
    """Raise ``RuntimeError`` unless both give the same sums to the same series."""
    said: dict[tuple[str, str], float] = {}
    for table in ours:
        ends = {"counter": "_total", "gauge": "", "histogram": "_sum"}
        values = table.values if isinstance(table, Numbers) else table.sums  # type: ignore[union-attr]
        said |= {
            (table.family.name + ends[table.family.kind], labels): value
            for labels, value in zip(table.labels, values, strict=True)
        }
        if isinstance(table, Histograms):
            rows = zip(table.labels, map(sum, table.counts), strict=True)
            said |= {(f"{table.family.name}_count", labels): float(count) for labels, count in rows}
    expected = {
        (sample.name, rendered(sample.labels)): sample.value
        for family in peer
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }
    if said != expected:
        differing = sorted(map(str, said.items() ^ expected.items()))
        raise RuntimeError(f"the two merges differ in {len(differing)} series, the first of them {differing[:4]}")


def _fail(name: str, what: str) -> None:
    raise RuntimeError(f"{name} {what}")
