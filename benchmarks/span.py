"""What a recorded span costs the call that records it, beside the official SDK and logfire.

Measured is the CPU time of the process until 100 spans are recorded and lie in the queue. All contenders have their default
limits and an exporter that costs nothing. Fairness: 100 spans are less than what wakes the official batch worker (512), so it
never exports while the time runs; ours is woken by the first span of each round, as it is by default, and that is in the time.
Between the rounds everybody's queue is emptied, which is not. Not measured: encoding and sending, which ``delivered.py`` has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from time import process_time_ns
from typing import Final

from benchmarks.measure import Effort, medians_ns
from benchmarks.row import Bar, Row
from benchmarks.tracers import Traced, Work, logfire_traced, make_work, native_traced, official_traced

_SPANS: Final = 100
_BAR: Final = Bar("ratio at most", 1 / 6)


def span(effort: Effort) -> list[Row]:
    """Each way to record one, in us a span."""
    with ExitStack() as stack:
        contenders = [stack.enter_context(make()) for make in (native_traced, official_traced, logfire_traced)]
        root = _microseconds(contenders, [contender.record for contender in contenders], effort)
        child = _microseconds(contenders, [contender.record_child for contender in contenders], effort)
    return [
        *_rows("span with 5 attributes as context manager, recorded and queued", root, _BAR),
        *_rows("child span, 5 attributes set one by one", child, None),
    ]


def _rows(what: str, taken_us: Sequence[float], bar: Bar | None) -> list[Row]:
    ours, official, logfire = taken_us
    return [
        Row(what=what, unit="us", ours=ours, peer=official, peer_name="opentelemetry-sdk", bar=bar),
        Row(what=what, unit="us", ours=ours, peer=logfire, peer_name="logfire"),
    ]


def _microseconds(contenders: Sequence[Traced], calls: Sequence[Callable[[Work], None]], effort: Effort) -> list[float]:
    before = [contender.recorded() for contender in contenders]

    def fresh() -> Work:
        for contender in contenders:
            contender.drain()
        return make_work(_SPANS)

    taken_ns = medians_ns(fresh, calls, effort.rounds, process_time_ns)
    fresh()
    counts = {contender.recorded() - had for contender, had in zip(contenders, before, strict=True)}
    if len(counts) != 1 or not min(counts):
        raise RuntimeError(f"the contenders recorded {sorted(counts)} spans, expected as many each")
    return [taken / _SPANS / 1000 for taken in taken_ns]
