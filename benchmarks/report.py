"""What was measured as a table for readers and as JSON for programs, with all that is needed to measure it again."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from benchmarks.row import Bar, Row

_PEERS: Final = (
    "opentelemetry-sdk",
    "opentelemetry-exporter-otlp-proto-common",
    "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry-instrumentation-logging",
    "protobuf",
    "prometheus-client",
    "logfire",
)
_HEADINGS: Final = ("what", "unit", "ours", "peer", "ratio", "bar", "met?")


def surroundings(command: str) -> dict[str, str]:
    """Where and how ``command`` ran: date (UTC), Python, CPU, versions."""
    versions = {name: _version(name) for name in ("heliograph", *_PEERS)}
    return {
        "command": command,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "cpu": f"{_cpu()}, {os.cpu_count()} logical",
        "system": f"{platform.system()} {platform.machine()}",
        **{name: found for name, found in versions.items() if found},
    }


def table(rows: Sequence[Row]) -> str:
    """``rows`` as a table in Markdown."""
    lines = [_HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    padded = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([padded[0], rule, *padded[1:]]) + "\n"


def write(rows: Sequence[Row], around: dict[str, str], folder: Path) -> None:
    """Write ``latest.json`` and ``latest.md`` into ``folder``, in place of what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"surroundings": around, "rows": [_record(row) for row in rows]}
    (folder / "latest.json").write_text(json.dumps(document, indent=2) + "\n")
    told = "\n".join(f"- {name}: {value}" for name, value in around.items())
    (folder / "latest.md").write_text(f"# Measured\n\n{table(rows)}\n{told}\n")


def _record(row: Row) -> dict[str, object]:
    return {**dataclasses.asdict(row), "ratio": row.ratio, "is_met": row.is_met}


def _cells(row: Row) -> tuple[str, ...]:
    peer = f"{_number(row.peer)} ({row.peer_name})" if row.peer is not None else ""
    met = {True: "yes", False: "NO", None: ""}[row.is_met]
    return row.what, row.unit, _number(row.ours), peer, _ratio(row.ratio), _bar(row.bar), met


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _ratio(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"1/{1 / ratio:.1f}" if 0 < ratio < 1 else f"{ratio:.2f}"


def _bar(bar: Bar | None) -> str:
    if bar is None:
        return ""
    if bar.kind == "ratio at most":
        return f"<= {Fraction(bar.value).limit_denominator(100)}"
    return f"{'<=' if bar.kind == 'at most' else '>='} {_number(bar.value)}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu() -> str:
    """The processor's name as Linux knows it, elsewhere as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
