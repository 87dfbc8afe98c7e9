"""A batch that a destination finds too large: sent again in halves, down to single items."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from heliograph.exporters.otlp import OtlpExporter
from heliograph.exporters.otlp_grpc import OtlpGrpcTransport
from heliograph.exporters.otlp_http import OtlpHttpTransport
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.batch import Batch
from heliograph.pipeline.outcome import Attempt, Delivered, Outcome, Retry, TooLarge
from tests.support.deliveries import SOON, accept_all, delivering, flush, is_balanced
from tests.support.items import GOOD
from tests.support.otlp_receiver import Answer, grpc_receiver, http_receiver


class Narrow:
    """Takes up to ``room`` items at once; ``odd`` ones are too large alone. Fails once before each size that it takes."""

    def __init__(self, room: int, odd: Sequence[int] = (), *, is_shaky: bool = False) -> None:
        self._room = room
        self._odd = odd
        self._is_shaky = is_shaky
        self.delivered: list[int] = []
        self.sizes: list[int] = []

    takes_items = True

    def prepare(self, batch: Batch) -> Attempt:
        attempts = iter([Retry(reason="down")] if self._is_shaky else [])
        return lambda _timeout_s: next(attempts, None) or self._send(batch.items)

    def close(self) -> None:
        pass

    def _send(self, items: Sequence[int]) -> Outcome:
        self.sizes.append(len(items))
        if len(items) > self._room or set(items) & set(self._odd):
            return TooLarge(reason="HTTP 413")
        self.delivered += items
        return Delivered()


@pytest.mark.parametrize("room", [1, 3, 7, 16])
@pytest.mark.parametrize("is_shaky", [False, True])
def test_every_item_arrives_once_and_in_order_however_little_fits(room: int, is_shaky: bool) -> None:
    exporter = Narrow(room, is_shaky=is_shaky)
    with delivering(exporter, batch_size=16, backoff=SOON) as delivery:
        accept_all(delivery, range(16))
        assert flush(delivery)
        assert exporter.delivered == list(range(16))
        assert delivery.counts().delivered == 16


def test_an_item_that_is_too_large_alone_is_rejected_and_costs_no_sibling() -> None:
    exporter = Narrow(100, odd=[5, 11])
    with delivering(exporter, batch_size=16) as delivery:
        accept_all(delivery, range(16))
        assert not flush(delivery)
        assert exporter.delivered == [number for number in range(16) if number not in (5, 11)]
        counts = delivery.counts()
        assert (counts.delivered, counts.dropped, is_balanced(counts)) == (14, {"rejected": 2}, True)


def test_a_shutdown_in_the_middle_of_the_halves_counts_what_is_left() -> None:
    exporter = Narrow(1, is_shaky=True)
    with delivering(exporter, batch_size=16) as delivery:
        accept_all(delivery, range(16))
        delivery.close(0)
        delivery.finish()
        counts = delivery.counts()
        assert (counts.pending, counts.delivered + sum(counts.dropped.values())) == (0, 16)


@pytest.mark.parametrize("over", ["http", "grpc"])
def test_a_receiver_that_says_too_large_gets_halves(over: str) -> None:
    with (http_receiver if over == "http" else grpc_receiver)() as receiver:
        too_large = Answer(status=413) if over == "http" else Answer(status=8, details="received message larger than max")
        receiver.answers = [too_large, too_large]
        make: Callable[..., OtlpHttpTransport | OtlpGrpcTransport]
        make = OtlpHttpTransport if over == "http" else OtlpGrpcTransport
        exporter = OtlpExporter(make(SIGNALS["traces"], receiver.url, headers={}, compression="gzip"))
        with delivering(exporter, batch_size=8, encoder=SIGNALS["traces"].encoder()) as delivery:
            accept_all(delivery, [GOOD["traces"](number) for number in range(1, 9)])
            assert flush(delivery)
            assert [len(batch) for batch in receiver.batches()] == [2, 2, 4]
            assert sorted(int.from_bytes(span_id) for span_id in receiver.span_ids()) == list(range(1, 9))
