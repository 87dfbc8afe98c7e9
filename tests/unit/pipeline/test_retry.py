"""The backoff: exponential caps, full jitter, never beyond its longest wait."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.pipeline.retry import Backoff

_SECONDS = st.floats(0.001, 1e6)
_ATTEMPTS = st.one_of(st.integers(1, 80), st.integers(1, 10**18))


@given(_SECONDS, _SECONDS, _ATTEMPTS, st.floats(0, 1, exclude_max=True))
def test_a_wait_lies_between_nought_and_the_cap_of_its_attempt(
    base_s: float, longest_s: float, attempt: int, drawn: float
) -> None:
    wait_s = Backoff(base_s=base_s, longest_s=longest_s, draw=lambda: drawn).wait_s(attempt)
    assert 0 <= wait_s <= longest_s
    assert wait_s <= base_s * 2.0 ** min(attempt - 1, 900)


@given(_SECONDS, _SECONDS)
def test_caps_never_shrink_and_end_at_the_longest(base_s: float, longest_s: float) -> None:
    backoff = Backoff(base_s=base_s, longest_s=longest_s, draw=lambda: 1.0)
    caps = [backoff.wait_s(attempt) for attempt in range(1, 64)]
    assert all(earlier <= later for earlier, later in pairwise(caps))
    assert caps[-1] == min(longest_s, base_s * 2.0**30)


def test_the_default_caps_double_from_one_second_to_a_minute() -> None:
    backoff = Backoff(draw=lambda: 1.0)
    assert [backoff.wait_s(attempt) for attempt in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize("attempt", [1, 5, 1000])
def test_waits_are_spread_over_the_whole_range(attempt: int) -> None:
    backoff = Backoff()
    shares = [backoff.wait_s(attempt) / Backoff(draw=lambda: 1.0).wait_s(attempt) for _ in range(2000)]
    assert all(0 <= share < 1 for share in shares)
    assert min(shares) < 0.05
    assert max(shares) > 0.95
