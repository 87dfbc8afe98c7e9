"""celery's hooks start telemetry in what works on tasks, where the application does not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import Celery, signals

from heliograph import TelemetryManager
from heliograph.errors import NotStartedError
from heliograph.integrations import celery

_BEGINNINGS = (signals.worker_init, signals.worker_process_init, signals.beat_init)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No file, nothing that is sent anywhere, no port; and no hook is left when the test is over."""
    monkeypatch.chdir(tmp_path)
    for signal_name in ("TRACING", "METRICS", "LOGS"):
        monkeypatch.setenv(f"HELIOGRAPH_{signal_name}__EXPORTERS", "memory")
    monkeypatch.setenv("HELIOGRAPH_SERVER__ENABLED", "false")
    before = [list(signal.receivers or []) for signal in _BEGINNINGS]
    yield
    for signal, receivers in zip(_BEGINNINGS, before, strict=True):
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()


def test_the_application_comes_back_and_starts_nothing() -> None:
    app = Celery("shop", set_as_current=False)
    assert celery.setup(app) is app
    with pytest.raises(NotStartedError):  # it may only send tasks
        TelemetryManager.current()


@pytest.mark.parametrize("signal", _BEGINNINGS, ids=lambda signal: signal.name)
def test_a_process_of_celerys_has_telemetry_when_it_begins(signal: signals.Signal) -> None:
    celery.setup(Celery("shop", set_as_current=False))
    signal.send(sender=None)
    assert TelemetryManager.current().is_running


def test_a_second_set_up_adds_nothing() -> None:
    for _time in range(2):
        celery.setup(Celery("shop", set_as_current=False))
    assert len(signals.worker_init.send(sender=None)) == 1


def test_what_the_application_started_goes_on(start: Callable[..., TelemetryManager]) -> None:
    telemetry = start()
    celery.setup(Celery("shop", set_as_current=False))
    signals.worker_init.send(sender=None)
    assert TelemetryManager.current() is telemetry


def test_settings_with_a_fault_are_said_and_the_worker_works(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HELIOGRAPH_TRACING__SAMPLE_RATE", "often")
    celery.setup(Celery("shop", set_as_current=False))
    with caplog.at_level(logging.WARNING):
        signals.worker_init.send(sender=None)
    assert "no telemetry in this process of celery" in caplog.text
    assert "HELIOGRAPH_TRACING__SAMPLE_RATE" in caplog.text


def test_what_is_no_application_is_refused() -> None:
    with pytest.raises(TypeError, match=r"was given 'shop', expected the celery.Celery"):
        celery.setup("shop")
