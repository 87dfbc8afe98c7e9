"""What every exporter promises to the pipeline, as tests that users run over their own.

Subclass `ExporterConformance` in a test file, say how the exporter is made and where its items arrive; pytest runs the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest

from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.batch import Batch
from heliograph.pipeline.delivery import Delivery
from heliograph.pipeline.ledger import LedgerCounts, Signal
from heliograph.pipeline.limits import Limits
from heliograph.pipeline.outcome import Attempt, Delivered, Exporter
from heliograph.pipeline.pipeline import Pipeline
from heliograph.testing.items import BROKEN, GOOD, WEIGHT, native_items

_ATTEMPT_S: Final = 5.0
_MANY: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ExporterSubject:
    """An exporter of one signal, and ``arrived()``: what is by now where it exports to, as text. The name of each span and
    metric and the body of each log record must be in that text as it is."""

    exporter: Exporter
    arrived: Callable[[], str]

    def has(self, number: int) -> bool:
        """Whether the item of that number arrived."""
        text = f"{self.arrived()} "
        return any(f"work{mark}{number}{after}" in text for mark in ". " for after in _AFTER)


_AFTER: Final = " \n\t\"',;:)]}<>|"  # or "work 1" would be found in "work 10"


class ExporterConformance:
    """The tests of an exporter. Override :meth:`subject`; ``signals`` are those that it takes.

    ``keeps_broken_items`` is for an exporter that hands items on as they are: nothing is too broken for it.
    """

    signals: ClassVar[Sequence[str]] = tuple(SIGNALS)
    keeps_broken_items: ClassVar[bool] = False

    def subject(self, signal: str, folder: Path) -> AbstractContextManager[ExporterSubject]:
        """An exporter of ``signal`` and what arrived there, for the time of the block; ``folder`` is empty and its own."""
        raise NotImplementedError(f"{type(self).__name__} is to override subject(signal, folder)")

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run each test once for each signal."""
        if "signal" in metafunc.fixturenames:
            metafunc.parametrize("signal", self.signals)

    def test_it_says_what_it_wants_in_a_batch(self, signal: str, tmp_path: Path) -> None:
        with self._opened(signal, tmp_path) as subject:
            assert isinstance(subject.exporter.takes_items, bool)

    def test_what_is_prepared_and_sent_arrives(self, signal: str, tmp_path: Path) -> None:
        with self._opened(signal, tmp_path) as subject:
            sent = _prepared(subject, signal, [GOOD[signal](number) for number in (1, 2, 3)])(_ATTEMPT_S)
            assert sent == Delivered()
            assert [number for number in (1, 2, 3) if not subject.has(number)] == []

    def test_the_items_of_our_own_recorder_arrive_too(self, signal: str, tmp_path: Path) -> None:
        with self._opened(signal, tmp_path) as subject:
            assert _prepared(subject, signal, native_items(signal, (1, 2)))(_ATTEMPT_S) == Delivered()
            assert [number for number in (1, 2) if not subject.has(number)] == []

    def test_nothing_is_sent_before_send_is_called(self, signal: str, tmp_path: Path) -> None:
        with self._opened(signal, tmp_path) as subject:
            _prepared(subject, signal, [GOOD[signal](1)])
            later = _prepared(subject, signal, [GOOD[signal](2)])
            assert later(_ATTEMPT_S) == Delivered()
            assert not subject.has(1)
            assert subject.has(2)

    def test_the_same_batch_can_be_sent_again(self, signal: str, tmp_path: Path) -> None:
        with self._opened(signal, tmp_path) as subject:
            attempt = _prepared(subject, signal, [GOOD[signal](7)])
            assert (attempt(_ATTEMPT_S), attempt(_ATTEMPT_S)) == (Delivered(), Delivered())
            assert subject.has(7)

    def test_a_broken_item_is_counted_and_never_raised_and_costs_no_sibling(self, signal: str, tmp_path: Path) -> None:
        with self._opened(signal, tmp_path) as subject:
            good, make_broken = GOOD[signal], BROKEN[signal]
            counts = _delivered(subject.exporter, signal, [make_broken(), good(1), make_broken(), good(2)])
            assert sum(counts.dropped.values()) == (0 if self.keeps_broken_items else 2), counts
            assert subject.has(1)
            assert subject.has(2)

    def test_a_batch_of_broken_items_only_is_counted_and_puts_nothing_there(self, signal: str, tmp_path: Path) -> None:
        if self.keeps_broken_items:
            pytest.skip("nothing is broken to this exporter")
        with self._opened(signal, tmp_path) as subject:
            counts = _delivered(subject.exporter, signal, [BROKEN[signal]()])
            assert (counts.delivered, sum(counts.dropped.values())) == (0, 1), counts
            assert "broken" not in subject.arrived()

    def test_the_account_agrees_with_what_arrived(self, signal: str, tmp_path: Path) -> None:
        with self._opened(signal, tmp_path) as subject:
            counts = _delivered(subject.exporter, signal, [*(GOOD[signal](number) for number in (1, 2, 3)), BROKEN[signal]()])
            lost = 0 if self.keeps_broken_items else 1
            assert (counts.accepted, counts.delivered, counts.pending) == (4, 4 - lost, 0), counts
            assert all(subject.has(number) for number in (1, 2, 3))

    def test_many_items_arrive_each_of_them(self, signal: str, tmp_path: Path) -> None:
        with self._opened(signal, tmp_path) as subject:
            numbers = range(1, _MANY + 1)
            counts = _delivered(subject.exporter, signal, [GOOD[signal](number) for number in numbers])
            assert counts.delivered == _MANY, counts
            assert [number for number in numbers if not subject.has(number)] == []

    def test_closing_is_possible_without_use_after_use_and_twice(self, signal: str, tmp_path: Path) -> None:
        with self._opened(signal, tmp_path / "unused") as unused:
            unused.exporter.close()
            unused.exporter.close()
        with self._opened(signal, tmp_path / "used") as used:
            assert _prepared(used, signal, [GOOD[signal](1)])(_ATTEMPT_S) == Delivered()
            used.exporter.close()
            used.exporter.close()
            assert used.has(1)

    @contextmanager
    def _opened(self, signal: str, folder: Path) -> Iterator[ExporterSubject]:
        with self.subject(signal, folder) as subject:
            try:
                yield subject
            finally:
                subject.exporter.close()


def _prepared(subject: ExporterSubject, signal: str, items: Sequence[Any]) -> Attempt:
    """What the exporter makes of ``items``, as the pipeline would give them to it."""
    count = sum(map(WEIGHT[signal], items))
    if subject.exporter.takes_items:
        return subject.exporter.prepare(Batch(signal=signal, count=count, entries=len(items), items=tuple(items)))
    body, broken = SIGNALS[signal].encoder().encode(items)
    return subject.exporter.prepare(Batch(signal=signal, count=count - broken, entries=len(items), body=body))


def _delivered(exporter: Exporter, signal: str, items: Sequence[Any]) -> LedgerCounts:
    """The account of a pipeline that ``items`` went through, to the end."""
    with _pipeline(exporter, Signal(signal)) as pipeline:
        for item in items:
            pipeline.accept(item)
        pipeline.begin_flush()(time.monotonic_ns() + round(_ATTEMPT_S * 1e9))
        return pipeline.deliveries[0].counts()


@contextmanager
def _pipeline(exporter: Exporter, signal: Signal) -> Iterator[Pipeline[Any]]:
    limits = Limits(batch_size=128, interval_s=600.0, attempt_timeout_s=_ATTEMPT_S)
    delivery = Delivery(signal, "under-test", exporter, limits)
    pipeline: Pipeline[Any] = Pipeline(signal, [delivery], encoder=SIGNALS[signal.value].encoder(), weigh=WEIGHT[signal.value])
    pipeline.start()
    try:
        yield pipeline
    finally:
        pipeline.close(time.monotonic_ns())
        pipeline.finish(time.monotonic_ns() + 250_000_000)
