"""Every module that records reads the time where a capture can replace it, and afterwards reads the system's again."""

from __future__ import annotations

import ast
import importlib
import time
from pathlib import Path

import pytest

import heliograph
from heliograph.recording.traces import ids, tracer
from heliograph.testing import captured

PACKAGE = Path(heliograph.__file__).parent
SOURCES = sorted([*(PACKAGE / "recording").rglob("*.py"), *(PACKAGE / "integrations").rglob("*.py")])
READERS = [
    "traces.tracer",
    "traces.span",
    "logs.logger",
    "logs.handler",
    "metrics.storage",
    "metrics.exemplars",
    "metrics.collection",
]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(PACKAGE)))
def test_the_time_of_day_is_read_by_a_name_of_the_module(source: Path) -> None:
    reads = [
        node.lineno
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "time"
        and node.attr in ("time", "time_ns")
    ]
    assert reads == [], "`from time import time_ns`, so that a test's clock can stand in for it"


@pytest.mark.parametrize("name", READERS)
def test_a_module_reads_the_clock_of_the_capture_and_then_the_systems(name: str) -> None:
    module = importlib.import_module(f"heliograph.recording.{name}")
    with captured() as telemetry:
        assert module.time_ns() == telemetry.clock.time_ns()
    assert module.time_ns is time.time_ns


def test_ids_are_drawn_from_the_capture_and_then_at_random() -> None:
    with captured():
        assert (ids.trace_id(), ids.span_id(), tracer._random_bits(64), tracer._random_bits(128)) == (1, 1, 2, 2)
    assert tracer._random_bits is ids.bits
    assert ids.trace_id() > 1 << 64
