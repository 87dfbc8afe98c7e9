"""A delivery with a disk behind it: what cannot be sent is written, outlives the process, and is delivered once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heliograph.clock import SystemClock
from heliograph.otlp.messages import SIGNALS
from heliograph.pipeline.spool import Spool
from heliograph.pipeline.status import ExportState
from tests.support.deliveries import LATE, OneDestination, accept_all, delivering, dropped, end, flush, is_balanced
from tests.support.destination import Destination, Lines
from tests.support.items import make_span
from tests.support.limited_files import files_no_larger_than
from tests.support.spools import segments
from tests.support.waiting import until


@pytest.fixture
def make_spool(tmp_path: Path) -> Callable[..., Spool]:
    def make(max_bytes: int = 1 << 20) -> Spool:
        return Spool(tmp_path / "spool", max_bytes=max_bytes, max_age_s=3600.0, clock=SystemClock())

    return make


def _with(spool: Spool, **options: Any) -> dict[str, Any]:
    return {"spool": spool, "encoder": Lines(), "batch_size": 10, "interval_s": 0.01, **options}


def _numbers(count: int, first: int = 0) -> list[str]:
    return [str(number) for number in range(first, first + count)]


def _in_memory(delivery: OneDestination) -> int:
    counts = delivery.counts()
    return counts.pending - counts.spooled


def test_nothing_is_lost_in_an_outage_however_small_the_memory(make_spool: Callable[..., Spool]) -> None:
    down = Destination(is_up=False)
    with delivering(down, **_with(make_spool(), queue_size=50)) as delivery:
        for number in range(1000):
            until(lambda: _in_memory(delivery) < 50, every_s=0.001)
            delivery.accept(str(number))
        until(lambda: delivery.counts().spooled > 900)
        counts = delivery.counts()
        assert (counts.pending, counts.dropped, is_balanced(counts)) == (1000, {}, True)
        down.is_up = True
        until(lambda: delivery.counts().delivered == 1000)
        assert sorted(down.lines, key=int) == _numbers(1000)


def test_without_an_outage_nothing_touches_the_disk(tmp_path: Path, make_spool: Callable[..., Spool]) -> None:
    with delivering(Destination(), **_with(make_spool())) as delivery:
        accept_all(delivery, _numbers(100))
        assert flush(delivery)
    assert not (tmp_path / "spool").exists()


def test_always_means_that_it_is_written_before_it_is_sent(tmp_path: Path, make_spool: Callable[..., Spool]) -> None:
    stalled = Destination()
    stalled.is_stalled = True
    with delivering(stalled, **_with(make_spool(), is_spooled_first=True)) as delivery:
        accept_all(delivery, _numbers(25))
        until(lambda: stalled.attempts)
        until(lambda: delivery.counts().spooled == 25)
        (path,) = segments(tmp_path / "spool")
        assert all(f"{number}\n".encode() in path.read_bytes() for number in _numbers(25))
        stalled.is_stalled = False
        stalled.close()
        until(lambda: delivery.counts().delivered == 25)


def test_the_next_process_delivers_what_a_shutdown_left(make_spool: Callable[..., Spool]) -> None:
    with delivering(Destination(is_up=False), **_with(make_spool())) as first:
        accept_all(first, _numbers(35))
        assert end(first, 2.0) < 1.0  # everything is safe: there is nothing to wait for
        counts = first.counts()
        assert (counts.pending, counts.spooled, counts.dropped) == (35, 35, {})
    up = Destination()
    with delivering(up, **_with(make_spool())) as second:
        until(lambda: second.counts().delivered == 35)
        counts = second.counts()
        assert (counts.accepted, counts.recovered, is_balanced(counts)) == (35, 35, True)
        assert up.lines == _numbers(35)


def test_what_a_hanging_attempt_holds_at_the_end_is_spooled_and_counted_as_possibly_doubled(
    make_spool: Callable[..., Spool],
) -> None:
    stalled = Destination()
    stalled.is_stalled = True
    with delivering(stalled, **_with(make_spool(), attempt_timeout_s=30.0)) as delivery:
        accept_all(delivery, _numbers(15))
        until(lambda: stalled.attempts)
        delivery.close(0)
        delivery.finish()
        counts = delivery.counts()
        assert (counts.spooled, counts.pending, counts.duplicated_at_most) == (15, 15, 10)


def test_a_batch_of_which_a_part_arrived_leaves_only_the_rest(make_spool: Callable[..., Spool]) -> None:
    class TakesOneBatch(Destination):
        def _send(self, batch: Any, timeout_s: float) -> Any:
            self.is_up = not self.bodies
            return super()._send(batch, timeout_s)

    picky, encoder = TakesOneBatch(most=5), SIGNALS["traces"].encoder()
    with delivering(picky, **_with(make_spool(), encoder=encoder)) as first:
        accept_all(first, [make_span(number=number) for number in range(1, 11)])
        until(lambda: picky.bodies)
        end(first, 2.0)
        assert (first.counts().delivered, first.counts().spooled) == (5, 5)
    rest = Destination()
    with delivering(rest, **_with(make_spool())) as second:
        until(lambda: second.counts().delivered == 5)
    assert len(picky.bodies) == len(rest.bodies) == 1


def test_a_spool_that_is_full_drops_what_comes_then_and_says_so(make_spool: Callable[..., Spool]) -> None:
    down = Destination(is_up=False)
    with delivering(down, **_with(make_spool(max_bytes=2000), queue_size=20, backoff=LATE)) as delivery:
        for number in range(1000):
            delivery.accept(f"{number:06}")
            time.sleep(0.0005)
        until(lambda: dropped(delivery).get("spool_full"))
        down.is_up = True
        flush(delivery, 5.0)
        until(lambda: delivery.counts().pending == 0)
        counts = delivery.counts()
        assert set(counts.dropped) <= {"spool_full", "queue_full"}
        assert len(down.lines) == len(set(down.lines)) == counts.delivered == 1000 - sum(counts.dropped.values())


def test_a_full_disk_falls_back_to_memory_and_the_disk_is_used_again_later(make_spool: Callable[..., Spool]) -> None:
    down = Destination(is_up=False)
    with delivering(down, **_with(make_spool(), queue_size=50, backoff=LATE)) as delivery:
        with files_no_larger_than(0):
            accept_all(delivery, _numbers(30))
            until(lambda: delivery.delivery.spool is not None and delivery.delivery.spool.failures)
            until(lambda: delivery.counts().in_flight + delivery.counts().spooled >= 10)
            assert (delivery.counts().pending, delivery.counts().spooled) == (30, 0)
            assert "spool: File too large" in (delivery.status().reason or "")
        down.is_up = True
        assert flush(delivery)
        assert sorted(down.lines, key=int) == _numbers(30)


def test_a_flush_is_true_only_when_what_is_on_disk_was_delivered(make_spool: Callable[..., Spool]) -> None:
    down = Destination(is_up=False)
    with delivering(down, **_with(make_spool(), interval_s=600.0)) as delivery:
        accept_all(delivery, _numbers(5))
        assert not flush(delivery, 0.3)
        down.is_up = True
        assert flush(delivery, 5.0)
        assert down.lines == _numbers(5)


def test_a_status_says_that_items_wait_and_is_healthy_again_afterwards(make_spool: Callable[..., Spool]) -> None:
    down = Destination(is_up=False)
    with delivering(down, **_with(make_spool())) as delivery:
        accept_all(delivery, _numbers(5))
        until(lambda: delivery.status().state is ExportState.DEGRADED)
        assert delivery.status().reason == "down"
        down.is_up = True
        until(lambda: delivery.status().state is ExportState.HEALTHY)


def test_a_sibling_takes_over_what_a_process_left_while_it_runs(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heliograph.pipeline.delivery._ADOPT_EVERY_S", 0.05)
    up = Destination()
    with delivering(up, **_with(make_spool())) as sibling:
        sibling.accept("own")
        until(lambda: up.lines == ["own"])
        with delivering(Destination(is_up=False), **_with(make_spool())) as other:
            accept_all(other, _numbers(12))
            end(other, 1.0)
        until(lambda: sibling.counts().delivered == 13)
        assert sibling.counts().recovered == 12


def test_the_account_is_exact_at_every_moment_while_a_destination_comes_and_goes(make_spool: Callable[..., Spool]) -> None:
    flaky, wrong, is_over = Destination(), [], threading.Event()
    with delivering(flaky, **_with(make_spool(), queue_size=100)) as delivery:

        def watch() -> None:
            while not is_over.wait(0.0005):
                if not is_balanced(counts := delivery.counts()):
                    wrong.append(counts)

        watcher = threading.Thread(target=watch)
        watcher.start()
        for number in range(3000):
            flaky.is_up = number // 300 % 2 == 0
            delivery.accept(str(number))
        flaky.is_up = True
        until(lambda: delivery.counts().pending == 0)
        is_over.set()
        watcher.join()
        counts = delivery.counts()
        assert (wrong, counts.delivered + sum(counts.dropped.values())) == ([], 3000)
        assert len(set(flaky.lines)) == len(flaky.lines) == counts.delivered


class _HangingDisk(Spool):
    """Writes nothing until the test is over."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, max_bytes=1 << 20, max_age_s=3600.0, clock=SystemClock())
        self.goes_on = threading.Event()
        self.is_entered = threading.Event()

    def append(self, batch: Any) -> Any:
        with self._lock:
            self.is_entered.set()
            self.goes_on.wait(30)
            return super().append(batch)


class _HangingEncoder(Lines):
    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.is_entered = threading.Event()

    def encode(self, items: Any, /) -> tuple[bytes, int]:
        self.is_entered.set()
        self.goes_on.wait(30)
        return super().encode(items)


@pytest.mark.parametrize("kind", ["disk", "encoder"])
def test_a_disk_or_an_encoder_that_hangs_holds_no_shutdown_and_everything_is_counted(
    tmp_path: Path, make_spool: Callable[..., Spool], kind: str
) -> None:
    disk = _HangingDisk(tmp_path / "spool") if kind == "disk" else make_spool()
    encoder = _HangingEncoder() if kind == "encoder" else Lines()
    hanging: Any = disk if kind == "disk" else encoder
    with delivering(Destination(), **_with(disk, is_spooled_first=True, encoder=encoder)) as delivery:
        accept_all(delivery, _numbers(10))
        assert hanging.is_entered.wait(5)
        accept_all(delivery, _numbers(40))
        assert not flush(delivery, 0.1)
        assert end(delivery, 0.3) < 1.0
        counts = delivery.counts()
        # What the disk may yet have written is pending; nobody knows.
        assert (counts.dropped, is_balanced(counts)) == ({"shutdown": 40 if kind == "disk" else 50}, True)
        hanging.goes_on.set()


def test_a_flush_and_a_shutdown_deliver_what_another_process_left_too(make_spool: Callable[..., Spool]) -> None:
    with delivering(Destination(is_up=False), **_with(make_spool())) as gone:
        accept_all(gone, _numbers(25))
        end(gone, 1.0)
    for is_flushed in (True, False):
        up = Destination()
        with delivering(up, **_with(make_spool(), interval_s=600.0)) as delivery:
            until(lambda: delivery.counts().recovered)
            if is_flushed:
                assert flush(delivery)
            else:
                assert end(delivery, 5.0) < 2.0
            assert delivery.counts().pending == 0
        with delivering(Destination(is_up=False), **_with(make_spool())) as gone:
            accept_all(gone, _numbers(25))
            end(gone, 1.0)


def test_in_always_mode_what_others_left_is_taken_over_under_steady_traffic(
    make_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heliograph.pipeline.delivery._ADOPT_EVERY_S", 0.1)
    with delivering(Destination(), **_with(make_spool(), is_spooled_first=True)) as busy:
        accept_all(busy, _numbers(5))
        until(lambda: busy.counts().delivered == 5)
        with delivering(Destination(is_up=False), **_with(make_spool())) as gone:
            accept_all(gone, _numbers(12))
            end(gone, 1.0)

        def is_taken_over() -> bool:
            accept_all(busy, _numbers(20))
            return busy.counts().recovered == 12

        until(is_taken_over)


def test_a_disk_that_fails_in_a_way_nobody_foresaw_loses_and_miscounts_nothing(make_spool: Callable[..., Spool]) -> None:
    class Broken(_HangingDisk):
        def append(self, batch: Any) -> Any:
            raise MemoryError

        def settle(self, taken: Any) -> None:
            raise MemoryError

    up = Destination()
    with delivering(up, **_with(Broken(make_spool().folder), is_spooled_first=True)) as delivery:
        accept_all(delivery, _numbers(30))
        assert flush(delivery)
        assert (delivery.counts().delivered, sorted(up.lines, key=int)) == (30, _numbers(30))
