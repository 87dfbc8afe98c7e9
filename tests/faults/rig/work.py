"""What a subject is to do, as a value that travels to its process as JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Literal

# Sections that are switched off where a row of the matrix is not about them.
QUIET: dict[str, Any] = {"server": {"enabled": False}, "health": {"enabled": False}, "system": {"enabled": False}}


@dataclass(frozen=True, kw_only=True)
class Work:
    """``items`` of each of ``signals`` (a span, a log record; or an increment for metrics), ``rate`` a second over all
    ``threads`` together (0: as fast as they can). The ledger is printed each ``tick_s`` seconds.

    Then: wait at most ``settle_s`` for nothing to be pending, and as long as ``flush_s`` with flush after flush; and ``end``:
    ``shutdown``; ``return`` (the end of the script); ``exit`` (``sys.exit(3)``); ``raise``; ``thread`` (an exception in a
    thread, then the end); ``wait`` (until a signal comes). ``sigterm`` is the application's own handler: none, one that
    calls ``sys.exit(0)``, or one that sets a flag which ends the work. ``clock_jumps_s`` are put between the items, evenly.
    ``names_hang`` makes every name look-up hang. ``kind`` is for the script: which of its ways to go.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    items: int = 1000
    rate: float = 2000.0
    threads: int = 1
    signals: tuple[str, ...] = ("traces",)
    tick_s: float = 0.2
    settle_s: float = 0.0
    flush_s: float = 0.0
    end: Literal["shutdown", "return", "exit", "raise", "thread", "wait"] = "shutdown"
    sigterm: Literal["none", "exit", "flag"] = "none"
    clock_jumps_s: tuple[float, ...] = ()
    names_hang: bool = False
    kind: str = ""
    prefix: str = ""

    def as_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Work:
        fields = json.loads(text)
        return cls(**{**fields, "signals": tuple(fields["signals"]), "clock_jumps_s": tuple(fields["clock_jumps_s"])})


def otlp_settings(url: str, *, protocol: str = "http", timeout: str = "2s", **more: Any) -> dict[str, Any]:
    """Traces and logs to one OTLP endpoint in small batches; ``delivery`` and other sections in ``more`` go on top."""
    exporter = {"type": "otlp", "endpoint": url, "protocol": protocol, "timeout": timeout}
    section = {"exporters": [exporter], "batch_export": {"export_interval": "100ms", "max_batch_size": 256}}
    delivery = {"queue_size": 20_000, "queue_max_bytes": 8 * 2**20, "shutdown_timeout": "1s", **more.pop("delivery", {})}
    return {"service_name": "subject", "tracing": section, "logs": section, **QUIET, "delivery": delivery, **more}
