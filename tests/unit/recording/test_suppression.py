"""Suppressed instrumentation: the context in which instrumentation packages keep still."""

from __future__ import annotations

import threading

import pytest
from opentelemetry import context

from heliograph.recording.suppression import is_suppressed, suppressed_instrumentation


def test_instrumentation_is_suppressed_inside_the_block_only():
    assert not is_suppressed()
    with suppressed_instrumentation():
        assert is_suppressed()
        with suppressed_instrumentation():
            assert is_suppressed()
        assert is_suppressed()
    assert not is_suppressed()


@pytest.mark.parametrize("key", ["suppress_instrumentation", context._SUPPRESS_INSTRUMENTATION_KEY])
def test_older_and_newer_instrumentations_both_see_it(key):
    with suppressed_instrumentation():
        assert context.get_value(key)
    assert not context.get_value(key)


def test_a_block_that_raises_ends_the_suppression():
    with pytest.raises(ValueError), suppressed_instrumentation():
        raise ValueError
    assert not is_suppressed()


def test_the_rest_of_the_context_is_still_there():
    token = context.attach(context.set_value("tenant", "a"))
    try:
        with suppressed_instrumentation():
            assert context.get_value("tenant") == "a"
    finally:
        context.detach(token)


def test_other_threads_are_not_suppressed():
    seen = []
    with suppressed_instrumentation():
        thread = threading.Thread(target=lambda: seen.append(is_suppressed()))
        thread.start()
        thread.join(5)
    assert seen == [False]
