"""``python -m benchmarks [NAME ...] [--quick]``: measure and show the table.

A full run, without names, also writes ``latest.md`` and ``latest.json`` into ``benchmarks/results``. A benchmark is a function
from :class:`~benchmarks.measure.Effort` to rows. To add one, write it in a module of its own and name it in ``BENCHMARKS``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from benchmarks.delivered import delivered
from benchmarks.encode import encode
from benchmarks.instruments import instruments
from benchmarks.log_record import log_record
from benchmarks.measure import FULL, QUICK, Effort
from benchmarks.multiprocess import multiprocess
from benchmarks.queue_memory import queue_memory
from benchmarks.report import surroundings, table, write
from benchmarks.row import Row
from benchmarks.scrape import scrape
from benchmarks.span import span
from benchmarks.spool import spool
from benchmarks.stalled import stalled
from benchmarks.start_up import start_up
from benchmarks.steady_memory import steady_memory
from benchmarks.system import system
from benchmarks.unsampled import unsampled

BENCHMARKS: Final[Mapping[str, Callable[[Effort], list[Row]]]] = {
    "span": span,
    "delivered": delivered,
    "unsampled": unsampled,
    "instruments": instruments,
    "log_record": log_record,
    "scrape": scrape,
    "multiprocess": multiprocess,
    "system": system,
    "queue_memory": queue_memory,
    "start_up": start_up,
    "steady_memory": steady_memory,
    "encode": encode,
    "spool": spool,
    "stalled": stalled,
}
_RESULTS: Final = Path(__file__).parent / "results"


def main(arguments: list[str]) -> int:
    """Run the benchmarks that are named, all when none is; returns 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure Heliograph beside its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to run: {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="show that it runs; its numbers mean nothing")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there is {', '.join(BENCHMARKS)}")
    rows = [
        row
        for name, benchmark in BENCHMARKS.items()
        if not chosen.names or name in chosen.names
        for row in benchmark(QUICK if chosen.quick else FULL)
    ]
    sys.stdout.write(table(rows))
    if chosen.quick:
        return 0
    if not chosen.names:
        write(rows, surroundings("python -m benchmarks"), _RESULTS)
    return 1 if any(row.is_met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
