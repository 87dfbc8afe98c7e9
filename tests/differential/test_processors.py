"""Processors and exporters of the SDK see the same spans, whole, on both recorders."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.differential.recorders import TRACERS
from tests.differential.samplers import SAMPLERS
from tests.differential.span_programs import LENGTH_LIMITS, span_programs
from tests.differential.span_recording import comparable_sights, provider_arguments, run_program
from tests.differential.span_steps import SpanProgram
from tests.differential.span_surface import Watcher, surface
from tests.differential.test_spans import FIXED

pytestmark = pytest.mark.usefixtures("silence")


def _shown(recorder: str, program: SpanProgram) -> Any:
    """What an exporter behind the SDK's own processor got, what another processor saw, and what the program saw."""
    arguments = provider_arguments(program, SAMPLERS[program.sampler](), SpanLimits(**program.limits))
    provider = TRACERS[recorder](**arguments)
    exporter, watcher = InMemorySpanExporter(), Watcher()
    provider.add_span_processor(watcher)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    observed = run_program(provider, program)
    assert provider.force_flush()
    return [surface(span) for span in exporter.get_finished_spans()], watcher.shown, comparable_sights(observed)


@given(span_programs(LENGTH_LIMITS))
@settings(**FIXED)
def test_exporters_and_processors_of_the_sdk_are_shown_the_same_spans(program: SpanProgram) -> None:
    native, official = _shown("native", program), _shown("official", program)
    assert native[0] == official[0]
    assert native[1] == official[1]
    assert native[2] == official[2]
