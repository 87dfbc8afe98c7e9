"""Reading a receiver's answer: counts of refused items, and nothing that any bytes could break."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.otlp.messages import SIGNALS
from heliograph.otlp.response import partial_success


def _answer(signal: str, rejected: int, reason: str = "") -> bytes:
    answer = SIGNALS[signal].response()
    setattr(answer.partial_success, SIGNALS[signal].rejected, rejected)
    answer.partial_success.error_message = reason
    return answer.SerializeToString()


@pytest.mark.parametrize("signal", SIGNALS)
def test_refused_items_and_their_reason_are_read(signal: str) -> None:
    assert partial_success(SIGNALS[signal], _answer(signal, 3, "too old")) == (3, "too old")


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("body", [b"", b"\x0a\x00", b"OK", b"<html>", b"\xff" * 100, b"\x0a\xff\xff\xff\xff\x0f"])
def test_an_empty_or_unreadable_answer_refuses_nothing(signal: str, body: bytes) -> None:
    assert partial_success(SIGNALS[signal], body) == (0, "")


def test_a_negative_count_refuses_nothing() -> None:
    assert partial_success(SIGNALS["traces"], _answer("traces", -5, "odd"))[0] == 0


def test_a_warning_without_refused_items_refuses_nothing() -> None:
    assert partial_success(SIGNALS["logs"], _answer("logs", 0, "deprecated"))[0] == 0


@given(st.binary(max_size=200), st.sampled_from(sorted(SIGNALS)))
def test_no_bytes_whatever_make_it_raise(body: bytes, signal: str) -> None:
    rejected, reason = partial_success(SIGNALS[signal], body)
    assert rejected >= 0
    assert isinstance(reason, str)
