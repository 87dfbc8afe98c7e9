"""Mishaps: counted each time, said once a minute."""

from __future__ import annotations

import threading

import pytest

from heliograph.clock import ManualClock
from heliograph.recording.mishaps import Mishaps
from heliograph.text import shown


class UnshowableError(Exception):
    def __str__(self):
        raise RuntimeError("cannot be shown")

    __repr__ = __str__


def said(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "heliograph.recording"]


def test_each_mishap_is_counted_by_kind(caplog):
    mishaps = Mishaps(ManualClock())
    for kind in ("event", "span.end", "event"):
        mishaps.note(kind, "reason")
    assert mishaps.counts() == {"event": 2, "span.end": 1}


def test_a_kind_is_said_at_most_once_a_minute_and_kinds_do_not_silence_each_other(caplog):
    clock = ManualClock()
    mishaps = Mishaps(clock)
    mishaps.note("event", "first")
    clock.advance(59.999)
    mishaps.note("event", "second")
    mishaps.note("span.end", "other")
    clock.advance(0.001)
    mishaps.note("event", "third")
    assert said(caplog) == ["event: first", "span.end: other", "event: third"]


def test_a_wall_clock_that_jumps_changes_nothing(caplog):
    clock = ManualClock()
    mishaps = Mishaps(clock)
    mishaps.note("event", "first")
    clock.jump(3600)
    mishaps.note("event", "second")
    assert said(caplog) == ["event: first"]


def test_counts_are_a_copy():
    mishaps = Mishaps(ManualClock())
    mishaps.counts()["event"] = 5
    assert mishaps.counts() == {}


def test_mishaps_of_many_threads_are_all_counted(caplog):
    mishaps = Mishaps(ManualClock())
    threads = [threading.Thread(target=lambda: [mishaps.note("event", "x") for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert mishaps.counts() == {"event": 4000}
    assert len(said(caplog)) == 1


def test_a_mishap_inside_a_mishap_does_not_lock_up(caplog):
    class Interrupted(ManualClock):
        """Stands for a finaliser that records while this thread is inside note()."""

        is_inside = False

        def monotonic_ns(self):
            if not self.is_inside:
                self.is_inside = True
                mishaps.note("finaliser", "x")
            return super().monotonic_ns()

    mishaps = Mishaps(Interrupted())
    noting = threading.Thread(target=lambda: mishaps.note("event", "x"), daemon=True)
    noting.start()
    noting.join(5)
    assert not noting.is_alive()
    assert mishaps.counts() == {"event": 1, "finaliser": 1}


def test_a_detail_that_cannot_be_shown_is_named_by_its_type(caplog):
    Mishaps(ManualClock()).note("event", UnshowableError())
    assert said(caplog) == ["event: <UnshowableError that cannot be shown>"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("text", "text"),
        (5, "5"),
        (ValueError("broken"), "broken"),
        (KeyboardInterrupt(), ""),
        (UnshowableError(), "<UnshowableError that cannot be shown>"),
        (10**5000, "<int that cannot be shown>"),
        ("100 %s %d", "100 %s %d"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_shown_gives_text_for_every_value(value, text):
    assert shown(value) == text
