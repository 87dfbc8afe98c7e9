"""``tracing.log_spans``: a line in the log for each span."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from heliograph import TelemetryManager
from heliograph.exporters.span_log import NAME, SpanLogExporter
from heliograph.pipeline.outcome import Delivered
from tests.support.batches import prepared
from tests.support.items import IMPOSSIBLE_NS, make_span


def test_each_span_is_a_line_as_the_console_exporter_has_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, NAME)
    assert prepared(SpanLogExporter(), [make_span("render page", path="/"), make_span("b")], "traces")(1.0) == Delivered()
    assert [(record.name, record.levelname) for record in caplog.records] == [(NAME, "INFO")] * 2
    assert "span   render page 2.0ms unset trace=" in caplog.messages[0]
    assert caplog.messages[0].endswith('path="/"')


def test_a_span_that_cannot_be_shown_costs_only_its_own_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, NAME)
    broken, sound = make_span("broken", start_ns=IMPOSSIBLE_NS), make_span("sound")
    outcome = prepared(SpanLogExporter(), [broken, sound], "traces")(1.0)
    assert outcome == Delivered(unencodable=1, reason="spans that cannot be logged")
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("exporters", [[], ["memory"]])
def test_it_is_one_more_destination_of_spans(
    exporters: list[str], start: Callable[..., TelemetryManager], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, NAME)
    telemetry = start(tracing={"exporters": exporters, "log_spans": True})
    with telemetry.span("take order"):
        pass
    assert telemetry.force_flush()
    assert [message.split()[2:4] for message in caplog.messages] == [["take", "order"]]
    counts = {name: count.delivered for (signal, name), count in telemetry.ledger().items() if signal == "traces"}
    assert counts == dict.fromkeys([*exporters, NAME], 1)


def test_spans_of_traces_that_are_not_kept_are_not_logged(
    start: Callable[..., TelemetryManager], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, NAME)
    telemetry = start(tracing={"exporters": [], "log_spans": True, "sample_rate": 0})
    with telemetry.span("take order"):
        pass
    assert telemetry.force_flush()
    assert caplog.messages == []


def test_without_it_there_is_no_such_destination(start: Callable[..., Any]) -> None:
    assert NAME not in start().export_status()
