"""The account: nothing that was accepted ever goes uncounted."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.pipeline.ledger import Account, DropReason, LedgerCounts, Signal

_STEPS = st.lists(st.tuples(st.integers(1, 1000), st.one_of(st.none(), st.sampled_from(DropReason)), st.booleans()))


@given(_STEPS)
def test_accepted_is_delivered_plus_dropped_plus_pending_after_any_steps(
    steps: list[tuple[int, DropReason | None, bool]],
) -> None:
    account, delivered, pending = Account(), 0, 0
    dropped: dict[str, int] = {}
    for items, reason, is_settled in steps:
        account.accept(items)
        if not is_settled:
            pending += items
        elif reason is None:
            account.deliver(items)
            delivered += items
        else:
            account.drop(items, reason)
            dropped[reason.value] = dropped.get(reason.value, 0) + items
        counts = account.counts()
        assert (counts.delivered, counts.dropped, counts.pending) == (delivered, dropped, pending)
        assert counts.accepted == delivered + sum(dropped.values()) + pending
    assert account.dropped == sum(dropped.values())


def test_a_drop_of_nothing_leaves_no_reason_behind() -> None:
    account = Account()
    account.drop(0, DropReason.REJECTED)
    assert account.counts() == LedgerCounts()


def test_a_reading_does_not_change_when_the_account_goes_on() -> None:
    account = Account()
    account.accept(2)
    account.drop(1, DropReason.QUEUE_FULL)
    before = account.counts()
    account.drop(1, DropReason.QUEUE_FULL)
    assert (before.dropped, before.pending) == ({"queue_full": 1}, 1)


def test_a_reading_cannot_be_written_to() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        LedgerCounts().accepted = 1


def test_signals_and_reasons_read_as_their_plain_names() -> None:
    assert [str(signal) for signal in Signal] == ["traces", "metrics", "logs"]
    assert [str(reason) for reason in DropReason] == ["queue_full", "rejected", "encoding", "shutdown"]
