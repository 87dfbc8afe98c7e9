"""Batches: joined and cut without losing, doubling or changing an item."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.otlp.messages import SIGNALS
from heliograph.otlp.split import count
from heliograph.pipeline.backlog import Backlog
from heliograph.pipeline.batch import Batch, joined
from heliograph.pipeline.limits import Limits
from heliograph.pipeline.losses import Losses
from tests.support.batches import make_batch
from tests.support.items import GOOD


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_joined_request_holds_the_items_of_all(signal: str) -> None:
    batches = [make_batch(signal, [GOOD[signal](number)]) for number in (1, 2, 3)]
    whole = joined(batches)
    assert (whole.count, count(signal, whole.body)) == (3, 3)


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("at", [1, 2, 4])
def test_a_request_is_cut_where_it_is_asked_to(signal: str, at: int) -> None:
    whole = joined([make_batch(signal, [GOOD[signal](number)]) for number in range(1, 6)])
    head, tail = whole.cut(at) or pytest.fail("it can be cut there")
    assert (head.count, count(signal, head.body)) == (at, at)
    assert (tail.count, count(signal, tail.body)) == (5 - at, 5 - at)


@pytest.mark.parametrize("at", [-1, 0, 3, 4])
def test_nothing_is_cut_off_at_the_ends_or_beyond_them(at: int) -> None:
    assert Batch(signal="traces", count=3, items=(1, 2, 3)).cut(at) is None


def test_items_that_stand_for_several_each_are_not_cut() -> None:
    assert Batch(signal="metrics", count=10, items=("six", "four")).halves() is None


def test_a_single_item_has_no_halves() -> None:
    assert Batch(signal="traces", count=1, items=(1,)).halves() is None


@given(sizes=st.lists(st.integers(1, 30), max_size=30), most=st.integers(1, 60))
def test_a_backlog_gives_back_everything_in_order_in_batches_of_the_size_asked_for(sizes: list[int], most: int) -> None:
    backlog = Backlog(Limits(queue_size=10**6))
    for number, size in enumerate(sizes):
        backlog.put(Batch(signal="traces", count=size, entries=size, items=(number,) * size))
    found: list[int] = []
    while (batch := backlog.pop_joined(most)) is not None:
        assert batch.count <= most or len(set(batch.items)) == 1
        found += batch.items
    assert found == [number for number, size in enumerate(sizes) for _ in range(size)]
    assert (backlog.count, backlog.room) == (0, 10**6)


def test_a_backlog_is_bounded_by_entries_and_by_bytes() -> None:
    backlog = Backlog(Limits(queue_size=10, queue_max_bytes=100))
    large = Batch(signal="traces", count=1, body=b"x" * 150)
    assert backlog.fits(large)  # alone, or nobody would ever get it
    backlog.put(large)
    assert (backlog.room, backlog.fits(Batch(signal="traces", count=1, body=b"y"))) == (0, False)
    backlog.pop()
    backlog.put(Batch(signal="traces", count=8, entries=8, body=b"z" * 10))
    assert (backlog.room, backlog.fits(Batch(signal="traces", count=3, entries=3, body=b"y"))) == (2, False)


def test_losses_are_told_once_and_only_up_to_what_was_asked() -> None:
    losses = Losses()
    assert not losses.forget(100)
    losses.add(5)
    losses.add(9)
    assert not losses.forget(4)
    assert losses.forget(5)
    assert not losses.forget(5)
    assert losses.forget(9)
    assert not losses.forget(100)
