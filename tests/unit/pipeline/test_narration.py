"""``tracing.debug_mode``: each attempt to deliver is said."""

from __future__ import annotations

import logging

import pytest

from heliograph.pipeline.batch import Batch
from heliograph.pipeline.ledger import Signal
from heliograph.pipeline.narration import Narration
from heliograph.pipeline.outcome import Delivered, Outcome, Rejected, Retry, TooLarge
from tests.support.deliveries import Gate, ScriptedExporter, accept_all, delivering, flush

WHERE = {"server.address": "collector", "server.port": 4318}


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        (Delivered(), "delivered"),
        (Delivered(rejected=2, reason="partial success: too old"), "delivered, but 2 of them: partial success: too old"),
        (Rejected(reason="HTTP 400"), "refused for good: HTTP 400"),
        (Retry(reason="HTTP 503"), "not delivered, to be tried again: HTTP 503"),
        (TooLarge(reason="HTTP 413"), "too large, to be sent in halves: HTTP 413"),
        (Rejected(reason="a\nb"), "refused for good: a\\nb"),
    ],
)
def test_each_way_in_which_an_attempt_ends_has_its_words(
    outcome: Outcome, answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "heliograph")
    Narration(Signal.TRACES, "otlp", WHERE)(Batch(signal="traces", count=3, body=b"12345"), outcome, 0.0125)
    assert caplog.messages == [f"traces to otlp at collector:4318: 3 items, 5 bytes, 12.5 ms: {answer}"]


def test_a_destination_on_this_machine_has_no_place_and_no_bytes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "heliograph")
    Narration(Signal.LOGS, "memory", {})(Batch(signal="logs", count=1, items=("x",)), Delivered(), 0)
    assert caplog.messages == ["logs to memory: 1 item, 0.0 ms: delivered"]


def test_a_log_handler_that_raises_costs_nothing() -> None:
    class Refuses(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise RuntimeError("no")

    logger, handler = logging.getLogger("heliograph.delivery"), Refuses()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        Narration(Signal.LOGS, "memory", {})(Batch(signal="logs", count=1), Delivered(), 0)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def test_a_delivery_tells_of_each_attempt_and_how_long_it_took() -> None:
    told: list[tuple[int, Outcome, float]] = []
    gate = Gate(Retry(reason="down"))
    with delivering(ScriptedExporter(gate)) as one:
        one.delivery.narrate = lambda batch, outcome, duration_s: told.append((batch.count, outcome, duration_s))
        gate.open()
        accept_all(one, "ab")
        assert flush(one)
    assert [(count, outcome) for count, outcome, _duration_s in told] == [(2, Retry(reason="down")), (2, Delivered())]
    assert all(0 <= duration_s < 30 for _count, _outcome, duration_s in told)
