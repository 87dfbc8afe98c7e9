"""The ids of the current span in lines of ``logging``, of one handler only."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable

import pytest

from heliograph import TelemetryManager
from heliograph.integrations.logging import TraceContextFilter
from tests.support.recorded import QUIET, RecordedSpans


def written(filter_: logging.Filter, **extra: object) -> str:
    """One line of a logger whose handler has ``filter_``."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s %(trace_id)s %(span_id)s %(service_name)s"))
    handler.addFilter(filter_)
    logger = logging.Logger("shop")  # noqa: LOG001  # not in the global tree: nothing to clean up
    logger.addHandler(handler)
    logger.warning("x", extra=extra)
    return stream.getvalue().rstrip("\n")


def test_a_line_within_a_span_has_its_ids() -> None:
    with RecordedSpans().scope("work") as span:
        line = written(TraceContextFilter("till"))
    context = span.get_span_context()
    assert line == f"x {context.trace_id:032x} {context.span_id:016x} till"


def test_outside_of_a_span_the_ids_are_empty() -> None:
    assert written(TraceContextFilter("till")) == "x   till"


def test_the_service_is_that_of_the_running_manager(start: Callable[..., TelemetryManager]) -> None:
    assert written(TraceContextFilter()) == "x   "
    start(**QUIET)
    assert written(TraceContextFilter()) == "x   under-test"


@pytest.mark.parametrize("own", [{"trace_id": "mine"}, {"trace_id": "mine", "span_id": ""}])
def test_ids_that_the_application_gives_stay_alone(own: dict[str, str]) -> None:
    with RecordedSpans().scope("work"):
        assert written(TraceContextFilter("till"), **own) == "x mine  till"
