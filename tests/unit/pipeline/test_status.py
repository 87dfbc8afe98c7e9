"""Joining the readings of one destination over its signals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.pipeline.ledger import LedgerCounts
from heliograph.pipeline.status import WORST_LAST, ExportState, ExportStatus, worse


def _status(state: ExportState, signal: str = "traces") -> ExportStatus:
    reason = None if state is ExportState.HEALTHY else f"{signal} {state}"
    return ExportStatus(state=state, reason=reason, counts={signal: LedgerCounts(accepted=1, pending=1)})


def test_every_state_has_its_place_in_the_order() -> None:
    assert sorted(WORST_LAST) == sorted(ExportState)


@pytest.mark.parametrize("left", ExportState)
@pytest.mark.parametrize("right", ExportState)
def test_the_worse_state_wins_with_its_reason_and_all_counts_are_kept(left: ExportState, right: ExportState) -> None:
    joined = worse(_status(left, "traces"), _status(right, "logs"))
    assert joined.state is max(left, right, key=WORST_LAST.index)
    assert set(joined.counts) == {"traces", "logs"}
    if left is not right:
        assert joined.reason == (_status(left, "traces") if joined.state is left else _status(right, "logs")).reason


def test_the_first_reading_stands_for_itself() -> None:
    status = _status(ExportState.FAILED)
    assert worse(None, status) is status


@given(st.lists(st.sampled_from(ExportState), min_size=1))
def test_a_joined_status_is_healthy_only_when_all_are(states: list[ExportState]) -> None:
    joined = None
    for number, state in enumerate(states):
        joined = worse(joined, _status(state, f"signal {number}"))
    assert joined is not None
    assert (joined.state is ExportState.HEALTHY) == (set(states) == {ExportState.HEALTHY})
    assert (joined.reason is None) == (joined.state is ExportState.HEALTHY)
    assert len(joined.counts) == len(states)
