"""The words of the account, and its readings."""

from __future__ import annotations

import dataclasses

import pytest

from heliograph.pipeline.ledger import Account, DropReason, LedgerCounts, Signal


def test_a_drop_of_nothing_leaves_no_reason_behind() -> None:
    account = Account()
    account.drop(0, DropReason.REJECTED)
    assert account.dropped == {}


def test_a_reading_cannot_be_written_to() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        LedgerCounts().accepted = 1


def test_signals_and_reasons_read_as_their_plain_names() -> None:
    assert [str(signal) for signal in Signal] == ["traces", "metrics", "logs"]
    assert {str(reason) for reason in DropReason} == {
        "queue_full",
        "rejected",
        "encoding",
        "spool_full",
        "expired",
        "unreadable",
        "shutdown",
    }
