"""The recorder of a manager that does not run."""

from __future__ import annotations

from opentelemetry._logs import LogRecord

from heliograph.recording.recorder import IDLE, Recorder


def test_an_idle_recorder_takes_everything_and_records_nothing():
    with IDLE.tracer.start_as_current_span("work") as span:
        assert not span.is_recording()
        assert not span.get_span_context().is_valid
    IDLE.meter.create_counter("c").add(1)
    IDLE.meter.create_histogram("h").record(1)
    IDLE.logger.emit(LogRecord(body="x"))


def test_a_recorder_without_arguments_is_idle():
    assert [type(part) for part in (Recorder().tracer, Recorder().meter, Recorder().logger)] == [
        type(part) for part in (IDLE.tracer, IDLE.meter, IDLE.logger)
    ]
