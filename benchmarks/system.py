"""How much CPU time a collection of the system metrics takes: all of a selection read anew, observed and rendered.

The interval passes before each scrape, on a clock of the benchmark's own. Beside it, for what it is worth, the process and
garbage collection collectors of ``prometheus_client``, which read far fewer series. What there is to read differs from
machine to machine: file systems, disks, interfaces; the connections of the full selection take as long as there are processes.
"""

from __future__ import annotations

from collections.abc import Callable

import prometheus_client

from benchmarks.measure import Effort, medians_ns
from benchmarks.row import Bar, Row
from heliograph.clock import ManualClock
from heliograph.prometheus.exposition import Exposition
from heliograph.recording import MeterProvider
from heliograph.settings.system import Base, SystemSettings
from heliograph.system.collector import SystemCollector
from heliograph.system.selection import selected

_INTERVAL_S = 15.0


def system(effort: Effort) -> list[Row]:
    """In ms a collection; only that of the default selection has a bar."""
    rounds = min(effort.rounds, 51)
    return [_compared("small", rounds, Bar("at most", 5.0)), _compared("full", rounds)]


def _compared(base: Base, rounds: int, bar: Bar | None = None) -> Row:
    clock, collect = _collection(base)
    peer = _peer()
    ours, theirs = medians_ns(lambda: clock.advance(_INTERVAL_S), [lambda _passed: collect(), lambda _passed: peer()], rounds)
    return Row(
        what=f"collection of the system metrics, {base}",
        unit="ms",
        ours=ours / 1e6,
        peer=theirs / 1e6,
        peer_name="prometheus_client's few",
        bar=bar,
    )


def _collection(base: Base) -> tuple[ManualClock, Callable[[], object]]:
    clock = ManualClock()
    exposition = Exposition(prometheus_client.CollectorRegistry())
    meter = MeterProvider([exposition.reader({})], shutdown_on_exit=False).get_meter("benchmark")
    SystemCollector(_INTERVAL_S, clock, selected(SystemSettings(base=base))).register(meter)
    return clock, lambda: exposition.render("text/plain; version=0.0.4")


def _peer() -> Callable[[], object]:
    registry = prometheus_client.CollectorRegistry()
    prometheus_client.ProcessCollector(registry=registry)
    prometheus_client.GCCollector(registry=registry)
    return lambda: prometheus_client.generate_latest(registry)
