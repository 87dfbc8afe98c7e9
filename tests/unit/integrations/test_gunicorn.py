"""gunicorn's hooks start telemetry where nobody does, and leave it alone where somebody does."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import prometheus_client.values  # noqa: F401  # finds out at its import how to keep values, which is not to be as below
import pytest
from gunicorn.config import Config

from heliograph import TelemetryManager
from heliograph.errors import NotStartedError
from heliograph.integrations import gunicorn

QUIET = {"server": {"enabled": False}, "health": {"enabled": False}, "system": {"enabled": False}}


@pytest.fixture
def server() -> Any:
    return SimpleNamespace(log=logging.getLogger("gunicorn.error"))


@pytest.fixture
def worker() -> Any:
    return SimpleNamespace(cfg=Config(), log=logging.getLogger("gunicorn.error"), pid=os.getpid())


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """What a hook starts telemetry from: no file, nothing that is sent anywhere, no port."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HELIOGRAPH_SERVICE_NAME", "from-the-environment")
    for signal_name in ("TRACING", "METRICS", "LOGS"):
        monkeypatch.setenv(f"HELIOGRAPH_{signal_name}__EXPORTERS", "memory")
    monkeypatch.setenv("HELIOGRAPH_SERVER__ENABLED", "false")
    return monkeypatch


def test_all_hooks_have_gunicorns_names_and_arguments() -> None:
    config = Config()
    for name in gunicorn.__all__:
        config.set(name, getattr(gunicorn, name))


def test_a_worker_whose_application_starts_nothing_has_telemetry_from_the_environment(
    environment: pytest.MonkeyPatch, server: Any, worker: Any
) -> None:
    called: list[Any] = []

    def configured(worker: Any) -> None:
        called.append(worker)

    worker.cfg.set("post_worker_init", configured)
    gunicorn.post_fork(server, worker)
    with pytest.raises(NotStartedError):  # the application is loaded first
        TelemetryManager.current()
    worker.cfg.post_worker_init(worker)
    assert TelemetryManager.current().settings.service_name == "from-the-environment"
    assert called == [worker]


def test_both_hooks_of_the_beginning_together_are_one(environment: pytest.MonkeyPatch, server: Any, worker: Any) -> None:
    worker.cfg.set("post_worker_init", gunicorn.post_worker_init)
    gunicorn.post_fork(server, worker)
    assert worker.cfg.post_worker_init is gunicorn.post_worker_init


def test_what_the_application_started_goes_on(
    environment: pytest.MonkeyPatch, start: Callable[..., TelemetryManager], worker: Any
) -> None:
    telemetry = start()
    gunicorn.post_worker_init(worker)
    assert TelemetryManager.current() is telemetry


def test_what_the_application_starts_later_takes_the_place_of_what_the_hook_did(
    environment: pytest.MonkeyPatch, start: Callable[..., TelemetryManager], worker: Any
) -> None:
    gunicorn.post_worker_init(worker)
    of_the_hook = TelemetryManager.current()
    telemetry = start(server={"enabled": False})
    assert TelemetryManager.current() is telemetry
    assert not of_the_hook.is_running
    with telemetry.span("taken"):
        pass
    assert telemetry.force_flush(5)
    assert [span.name for span in telemetry.exporter("traces", "memory").items()] == ["taken"]


def test_a_start_with_the_same_settings_keeps_what_the_hook_started_for_good(
    environment: pytest.MonkeyPatch, start: Callable[..., TelemetryManager], worker: Any
) -> None:
    gunicorn.post_worker_init(worker)
    of_the_hook = TelemetryManager.current()
    assert TelemetryManager.start() is of_the_hook
    with pytest.raises(RuntimeError, match="other settings"):
        start()


def test_settings_with_a_fault_are_said_and_the_worker_serves(
    environment: pytest.MonkeyPatch, server: Any, worker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    environment.setenv("HELIOGRAPH_TRACING__SAMPLE_RATE", "often")
    gunicorn.on_starting(server)
    gunicorn.post_worker_init(worker)
    assert [message.split(":")[0] for message in caplog.messages] == [
        "no telemetry from the environment",
        "no telemetry in this worker",
    ]
    assert "HELIOGRAPH_TRACING__SAMPLE_RATE" in caplog.text


def test_good_settings_are_not_talked_about(
    environment: pytest.MonkeyPatch, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    gunicorn.on_starting(server)
    assert caplog.messages == []


def test_the_end_of_a_worker_delivers_and_ends_nothing(
    start: Callable[..., TelemetryManager], server: Any, worker: Any
) -> None:
    telemetry = start()
    with telemetry.span("last"):
        pass
    gunicorn.worker_exit(server, worker)
    assert [span.name for span in telemetry.exporter("traces", "memory").items()] == ["last"]
    assert telemetry.is_running


def test_the_end_of_a_worker_without_telemetry_is_no_matter(server: Any, worker: Any) -> None:
    gunicorn.worker_exit(server, worker)
    with pytest.raises(NotStartedError):
        TelemetryManager.current()


def test_prometheus_client_hears_of_a_worker_that_has_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Any, worker: Any
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    living, ended = tmp_path / "gauge_livesum_1.db", tmp_path / f"gauge_livesum_{worker.pid}.db"
    living.touch()
    ended.touch()
    gunicorn.child_exit(server, worker)
    assert (living.exists(), ended.exists()) == (True, False)
