"""An instrumentation package in force for a block. Called by every scenario."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def instrumented(*instrumentors: Any, **options: Any) -> Iterator[None]:
    """Instrument with the global providers, as an application does, and take it off again at the end."""
    for instrumentor in instrumentors:
        instrumentor.instrument(**options)
        assert instrumentor.is_instrumented_by_opentelemetry, f"{instrumentor} did not find its library"
    try:
        yield
    finally:
        for instrumentor in instrumentors:
            if instrumentor.is_instrumented_by_opentelemetry:
                instrumentor.uninstrument()
