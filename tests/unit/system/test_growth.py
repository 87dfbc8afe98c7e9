"""Growth is since the reading before; where there is none, or it was only a moment ago, nothing is said."""

from heliograph.clock import ManualClock
from heliograph.system.growth import Growth


def test_growth_is_since_the_reading_before() -> None:
    clock = ManualClock()
    growth = Growth(clock, {"a": 1.0, "b": 10.0})
    clock.advance(5)
    assert growth.since({"a": 4.0, "b": 10.5}) == ({"a": 3.0, "b": 0.5}, 5.0)
    clock.advance(2)
    assert growth.since({"a": 5.0, "b": 10.5}) == ({"a": 1.0, "b": 0.0}, 2.0)


def test_the_first_reading_without_one_before_says_nothing() -> None:
    clock = ManualClock()
    growth = Growth(clock)
    clock.advance(5)
    assert growth.since({"a": 100.0}) == ({}, 0.0)
    clock.advance(5)
    assert growth.since({"a": 101.0}) == ({"a": 1.0}, 5.0)


def test_no_growth_is_told_of_a_moment() -> None:
    clock = ManualClock()
    growth = Growth(clock, {"a": 1.0})
    clock.advance(0.009)
    assert growth.since({"a": 2.0}) == ({}, 0.0)
    clock.advance(0.991)
    assert growth.since({"a": 3.0}) == ({"a": 2.0}, 1.0)  # nothing was lost


def test_a_counter_that_steps_back_has_not_grown() -> None:
    clock = ManualClock()
    growth = Growth(clock, {"a": 5.0})
    clock.advance(1)
    assert growth.since({"a": 4.0}) == ({"a": 0.0}, 1.0)


def test_what_is_new_grew_from_nothing() -> None:
    clock = ManualClock()
    growth = Growth(clock, {"a": 5.0})
    clock.advance(1)
    assert growth.since({"a": 5.0, "b": 2.0}) == ({"a": 0.0, "b": 2.0}, 1.0)
