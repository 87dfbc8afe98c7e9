"""The OTLP exporter between encoder and transport: packs once, and its ledger counts what the signal counts."""

from __future__ import annotations

import pytest

from heliograph.exporters.otlp import OtlpExporter
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.ledger import Signal
from heliograph.pipeline.outcome import Delivered, Outcome, Retry
from tests.support.batches import prepared
from tests.support.deliveries import delivering, flush, is_balanced
from tests.support.items import BROKEN, GOOD, WEIGHT, collect, make_metric


class RecordingTransport:
    """Answers with one outcome and remembers what it was asked to do."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self.packed: list[bytes] = []
        self.sent: list[tuple[bytes, float]] = []
        self.closed = 0

    def pack(self, body: bytes) -> bytes:
        self.packed.append(body)
        return b"packed " + body

    def send(self, packed: bytes, timeout_s: float) -> Outcome:
        self.sent.append((packed, timeout_s))
        return self._outcome

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_batch_is_packed_once_and_each_attempt_sends_the_same_bytes(signal: str) -> None:
    transport = RecordingTransport(Retry(reason="down"))
    attempt = prepared(OtlpExporter(transport), [GOOD[signal](1)], signal)
    outcomes = [attempt(timeout_s) for timeout_s in (1.0, 2.0, 3.0)]
    assert outcomes == [Retry(reason="down")] * 3
    (body,) = transport.packed
    assert transport.sent == [(b"packed " + body, 1.0), (b"packed " + body, 2.0), (b"packed " + body, 3.0)]


def test_closing_closes_the_transport() -> None:
    transport = RecordingTransport(Delivered())
    OtlpExporter(transport).close()
    assert transport.closed == 1


def test_a_collection_that_cannot_be_encoded_counts_with_all_its_data_points() -> None:
    transport = RecordingTransport(Delivered())
    broken = collect(make_metric("broken", ["many", None, ()]))
    exporter = OtlpExporter(transport)
    encoder = SIGNALS["metrics"].encoder()
    with delivering(exporter, signal=Signal.METRICS, weigh=WEIGHT["metrics"], encoder=encoder) as delivery:
        delivery.accept(broken)
        assert not flush(delivery)
        counts = delivery.counts()
        assert (counts.accepted, counts.delivered, counts.dropped) == (3, 0, {"encoding": 3})


@pytest.mark.parametrize("signal", SIGNALS)
def test_broken_and_refused_items_of_one_batch_are_counted_apart(signal: str) -> None:
    transport = RecordingTransport(Delivered(rejected=1, reason="partial success"))
    options = {"signal": Signal(signal), "weigh": WEIGHT[signal], "encoder": SIGNALS[signal].encoder()}
    with delivering(OtlpExporter(transport), **options) as delivery:
        for item in (GOOD[signal](1), BROKEN[signal](), GOOD[signal](2), BROKEN[signal](), GOOD[signal](3)):
            delivery.accept(item)
        assert not flush(delivery)
        counts = delivery.counts()
        assert (counts.delivered, counts.dropped) == (2, {"encoding": 2, "rejected": 1})
        assert is_balanced(counts)
