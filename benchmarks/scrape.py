"""How much CPU time a scrape takes, of 1,000, 10,000 and 100,000 series, beside ``prometheus_client.generate_latest``.

Both hold the same: a third of the series are counters, a third gauges, a third the lines of histograms with ten buckets; all
have three labels, and an instrument has at most 1,000 sets of them. Both render the text format 0.0.4. Before the time runs,
the two texts are shown to say the same, but for ``target_info``. Every value changes between two scrapes, but for the rows
that say otherwise. ``prometheus_client`` is told to leave out ``_created``, as ours does: that makes it faster. Not measured:
HTTP and compression.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import prometheus_client

from benchmarks.measure import Effort, medians_ns
from benchmarks.row import Bar, Row
from heliograph.prometheus.exposition import Exposition
from heliograph.recording import MeterProvider

_LABELS: Final = ("customer", "method", "route")
_METHODS: Final = ("GET", "PUT", "POST")
_ROUTES: Final = ("/orders/{id}", "/users/{id}", "/search", "/cart")
_MOST_SETS: Final = 1000
_BUCKETS: Final = tuple(float(bound) for bound in range(1, 11))
_LINES_OF_A_HISTOGRAM: Final = len(_BUCKETS) + 3  # +Inf, sum and count


class _Size(NamedTuple):
    series: int
    most_rounds: int
    bar: Bar | None = None


_SIZES: Final = (_Size(1000, 51), _Size(10_000, 15), _Size(100_000, 5, Bar("ratio at most", 1 / 10)))


def scrape(effort: Effort) -> list[Row]:
    """In ms a scrape; the greater sizes only when the effort is worth it."""
    sizes = [size for size in _SIZES if size.series <= effort.size * 200]
    return [row for size in sizes for row in _rows(size, min(effort.rounds, size.most_rounds))]


class _Contender(NamedTuple):
    """``change`` moves every value by one step, ``render`` is the scrape."""

    change: Callable[[], None]
    render: Callable[[], bytes]


class _Series(NamedTuple):
    """What one attribute set of one instrument is, for all contenders."""

    kind: str
    name: str
    labels: dict[str, str]


def _rows(size: _Size, rounds: int) -> list[Row]:
    series = [
        *_series("counter", size.series // 3),
        *_series("gauge", size.series // 3),
        *_series("histogram", size.series // 3 // _LINES_OF_A_HISTOGRAM),
    ]
    contenders = _native(series), _peer(series)

    def change() -> None:
        for contender in contenders:
            contender.change()

    change()
    compare(*(contender.render().decode() for contender in contenders))
    return [
        _measured(f"scrape of {size.series:,} series", change, contenders, rounds, size.bar),
        _measured(f"scrape of {size.series:,} series, unchanged", lambda: None, contenders, rounds, None),
    ]


def _measured(what: str, change: Callable[[], None], contenders: Sequence[_Contender], rounds: int, bar: Bar | None) -> Row:
    ours, peer = medians_ns(change, [_ignoring(contender.render) for contender in contenders], rounds)
    return Row(what=what, unit="ms", ours=ours / 1e6, peer=peer / 1e6, peer_name="prometheus_client", bar=bar)


def _series(kind: str, count: int) -> list[_Series]:
    return [
        _Series(
            kind,
            f"shop_{kind}_{number // _MOST_SETS}",
            dict(zip(_LABELS, (f"customer-{number:06}", _METHODS[number % 3], _ROUTES[number % 4]), strict=True)),
        )
        for number in range(count)
    ]


def _native(series: Sequence[_Series]) -> _Contender:
    exposition = Exposition(prometheus_client.CollectorRegistry())
    meter = MeterProvider([exposition.reader({})], shutdown_on_exit=False).get_meter("benchmark")
    make: dict[str, Callable[[str], Callable[[float, Any], None]]] = {
        "counter": lambda name: meter.create_counter(name, description=name).add,
        "gauge": lambda name: meter.create_gauge(name, description=name).set,
        "histogram": lambda name: (
            meter.create_histogram(name, description=name, explicit_bucket_boundaries_advisory=_BUCKETS).record
        ),
    }
    calls = {(one.kind, one.name): make[one.kind](one.name) for one in {one.name: one for one in series}.values()}
    steps = itertools.count(1)

    def change() -> None:
        step = next(steps)
        for one in series:
            calls[one.kind, one.name](step, one.labels)

    return _Contender(change, lambda: exposition.render("text/plain; version=0.0.4")[0])


def _peer(series: Sequence[_Series]) -> _Contender:
    registry = prometheus_client.CollectorRegistry()
    make: dict[str, Callable[[str], Any]] = {
        "counter": lambda name: prometheus_client.Counter(name, name, _LABELS, registry=registry),
        "gauge": lambda name: prometheus_client.Gauge(name, name, _LABELS, registry=registry),
        "histogram": lambda name: prometheus_client.Histogram(name, name, _LABELS, registry=registry, buckets=_BUCKETS),
    }
    record: Mapping[str, Callable[[Any], Callable[[float], None]]] = {
        "counter": lambda child: child.inc,
        "gauge": lambda child: child.set,
        "histogram": lambda child: child.observe,
    }
    families = {one.name: make[one.kind](one.name) for one in {one.name: one for one in series}.values()}
    calls = [record[one.kind](families[one.name].labels(**one.labels)) for one in series]
    steps = itertools.count(1)

    def change() -> None:
        step = next(steps)
        for call in calls:
            call(step)

    def render() -> bytes:
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        try:
            return prometheus_client.generate_latest(registry)
        finally:
            prometheus_client.enable_created_metrics()  # type: ignore[no-untyped-call]

    return _Contender(change, render)


def _ignoring(render: Callable[[], bytes]) -> Callable[[None], bytes]:
    return lambda _nothing: render()


def compare(ours: str, peer: str) -> None:
    """Raise ``RuntimeError`` unless both texts say the same of the same series."""
    said, expected = _lines(ours), _lines(peer)
    if said != expected:
        differing = sorted(map(str, said.items() ^ expected.items()))
        raise RuntimeError(f"the two scrapes differ in {len(differing)} lines, the first of them {differing[:4]}")


def _lines(text: str) -> dict[tuple[str, frozenset[str]], float]:
    """The value of each series, whatever the order of labels; no label's value has a comma here."""
    found = {}
    for line in text.splitlines():
        if line.startswith(("#", "target_info")):
            continue
        head, value = line.rsplit(" ", 1)
        name, _, labels = head.rstrip("}").partition("{")
        found[name, frozenset(labels.split(","))] = float(value)
    return found
