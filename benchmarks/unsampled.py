"""What a span costs that the sampler does not want: most of the spans, where little is sampled.

The call is that of ``span.py``, with five attributes. Nothing is queued, so nothing but the call is measured, in CPU time of
its thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBasedTraceIdRatio

from benchmarks.measure import Effort, medians_ns
from benchmarks.row import Bar, Row
from benchmarks.tracers import Traced, logfire_traced, make_work, native_traced, official_traced
from heliograph.recording.sampling import HeadSampler

_SPANS: Final = 100
_BAR: Final = Bar("ratio at most", 1 / 4)


def unsampled(effort: Effort) -> list[Row]:
    """With a sampler that both have in common, and with each one's own at a ratio of 0."""
    with ExitStack() as stack:
        enter = stack.enter_context
        off = [enter(native_traced(ALWAYS_OFF)), enter(official_traced(ALWAYS_OFF))]
        ratio = [
            enter(native_traced(HeadSampler(0.0))),
            enter(official_traced(ParentBasedTraceIdRatio(0.0))),
            enter(logfire_traced(0.0)),
        ]
        off_us, ratio_us = _microseconds(off, effort), _microseconds(ratio, effort)
    what = "unsampled span with 5 attributes"
    own = f"{what}, parent-based ratio of 0"
    return [
        Row(what=f"{what}, ALWAYS_OFF", unit="us", ours=off_us[0], peer=off_us[1], peer_name="opentelemetry-sdk", bar=_BAR),
        Row(what=own, unit="us", ours=ratio_us[0], peer=ratio_us[1], peer_name="opentelemetry-sdk"),
        Row(what=own, unit="us", ours=ratio_us[0], peer=ratio_us[2], peer_name="logfire"),
    ]


def _microseconds(contenders: Sequence[Traced], effort: Effort) -> list[float]:
    taken_ns = medians_ns(lambda: make_work(_SPANS), [contender.record for contender in contenders], effort.rounds)
    for contender in contenders:
        contender.drain()
        if contender.recorded():
            raise RuntimeError(f"{contender.recorded()} spans were recorded, expected none")
    return [taken / _SPANS / 1000 for taken in taken_ns]
