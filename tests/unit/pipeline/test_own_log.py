"""heliograph's own log, heard when the settings ask for it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from heliograph.pipeline.own_log import OwnLog
from tests.support.interpreter import run_script

logger = logging.getLogger("heliograph.delivery")


@contextmanager
def nobody_listening() -> Iterator[None]:
    """Without pytest's own handlers at the root."""
    root = logging.getLogger()
    kept, root.handlers[:] = root.handlers[:], []
    try:
        yield
    finally:
        root.handlers[:] = kept


@contextmanager
def heard(*, debug: bool = False, spans: bool = False) -> Iterator[None]:
    log = OwnLog(debug=debug, spans=spans)
    log.open()
    try:
        yield
    finally:
        log.close()


def test_without_any_logging_it_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with nobody_listening():
        with heard(debug=True):
            logger.debug("an attempt")
        logger.debug("another")
    assert capsys.readouterr().err.rstrip().endswith("DEBUG heliograph.delivery: an attempt")


@pytest.mark.parametrize("name", ["", "heliograph"])
def test_an_application_that_sets_up_logging_hears_it_and_standard_error_does_not(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    with nobody_listening(), heard(debug=True):
        logging.getLogger(name).addHandler(handler)
        logger.debug("an attempt")
        logging.getLogger(name).removeHandler(handler)
    assert (stream.getvalue(), capsys.readouterr().err) == ("an attempt\n", "")


@pytest.mark.parametrize(
    ("modes", "delivery", "spans"),
    [
        ({"debug": True}, logging.DEBUG, logging.ERROR),
        ({"spans": True}, logging.ERROR, logging.INFO),
        ({"debug": True, "spans": True}, logging.DEBUG, logging.INFO),
        ({}, logging.ERROR, logging.ERROR),
    ],
)
def test_levels_are_lowered_and_put_back(modes: dict[str, bool], delivery: int, spans: int) -> None:
    ours, theirs = logging.getLogger("heliograph"), logging.getLogger("heliograph.spans")
    ours.setLevel(logging.ERROR)
    theirs.setLevel(logging.ERROR)
    try:
        with heard(**modes):
            assert (logger.getEffectiveLevel(), theirs.getEffectiveLevel()) == (delivery, spans)
        assert (ours.level, theirs.level) == (logging.ERROR, logging.ERROR)
    finally:
        ours.setLevel(logging.NOTSET)
        theirs.setLevel(logging.NOTSET)


def test_without_the_settings_nothing_is_changed() -> None:
    before = logging.getLogger("heliograph").handlers[:]
    OwnLog(debug=False, spans=False).open()
    assert logging.getLogger("heliograph").handlers == before


PROGRAM = """
import logging, sys
from heliograph import TelemetryManager
if "logging" in sys.argv:
    logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="%(levelname)s %(name)s %(message)s")
modes = {"debug_mode": "debug" in sys.argv, "log_spans": "spans" in sys.argv}
telemetry = TelemetryManager.start("shop", recorder=sys.argv[1], tracing={"exporters": ["memory"], **modes},
                                   metrics={"exporters": []}, **QUIET)
with telemetry.span("take order", lamps=2):
    pass
telemetry.force_flush()
telemetry.shutdown()
"""


@pytest.mark.parametrize("recorder", ["native", "opentelemetry-sdk"])
def test_the_modes_of_the_settings_have_their_effect(recorder: str) -> None:
    out, err = run_script(PROGRAM, recorder, "debug", "spans")
    assert out == ""
    started, to_memory, to_log, span = sorted((line.split(" ", 2)[2] for line in err.splitlines()), key=_rank)
    assert started == "DEBUG heliograph: started: traces to memory, traces to heliograph.spans; endpoint: none"
    assert to_memory.startswith("DEBUG heliograph.delivery: traces to memory: 1 item, ")
    assert to_memory.endswith("ms: delivered")
    assert to_log.startswith("DEBUG heliograph.delivery: traces to heliograph.spans: 1 item, ")
    assert span.startswith("INFO heliograph.spans: ")
    assert "span   take order" in span
    assert span.endswith("lamps=2")

    out, err = run_script(PROGRAM, recorder, "debug", "spans", "logging")
    assert err == ""
    assert "DEBUG heliograph.delivery traces to memory: 1 item, " in out
    assert "INFO heliograph.spans " in out

    assert run_script(PROGRAM, recorder) == ("", "")


def _rank(line: str) -> int:
    return [part in line for part in ("started", "to memory", "to heliograph.spans", "take order")].index(True)
