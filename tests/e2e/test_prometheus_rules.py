"""Rules for the older names of metrics work unchanged on a real Prometheus: each is quiet, and fires when it has reason to."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from heliograph import CallableHealthCheck, TelemetryManager
from tests.support.processes import get, needed
from tests.support.prometheus_server import PrometheusServer, prometheus_server
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

RULES = Path(__file__).with_name("older_names.rules.yml")
ALERTS = {"HighCPUUsage", "SlowVideoProcessing", "HighAPIErrorRate", "DiskSpaceLow", "ServiceUnhealthy"}
DISK = {"system.device": "/dev/sda1", "system.filesystem.mountpoint": "/", "system.filesystem.type": "ext4"}


class Service:
    """What the application records of itself and of its machine, under today's names; the system section is off."""

    def __init__(self, telemetry: TelemetryManager) -> None:
        self._telemetry = telemetry
        self._is_well = True
        self._disk_bytes: dict[str, float] = {}
        telemetry.health.add_check(CallableHealthCheck("database", lambda: self._is_well))

    def work(self, *, cpu: float, free: float, video_s: float, failed: int, is_well: bool) -> None:
        """Some work: of the CPU and the disk these shares used and free, of ten requests these failed."""
        telemetry = self._telemetry
        for mode, share in (("user", cpu * 0.7), ("system", cpu * 0.3), ("idle", 1 - cpu)):
            telemetry.gauge("system.cpu.utilization").set(share, {"cpu.mode": mode})
        for state, share in (("free", free), ("used", 1 - free)):
            size_bytes = share * 1e12
            telemetry.up_down_counter("system.filesystem.usage").add(
                size_bytes - self._disk_bytes.get(state, 0), {**DISK, "system.filesystem.state": state}
            )
            self._disk_bytes[state] = size_bytes
        telemetry.histogram("video.processing.duration").record(video_s, {"video.format": "mp4"})
        telemetry.counter("api.requests").add(10, {"http.route": "/render"})
        telemetry.counter("api.errors").add(failed, {"http.route": "/render"})
        self._is_well = is_well


def _states(server: PrometheusServer) -> dict[str, str]:
    return {name: rule["state"] for name, rule in server.rules().items()}


def test_rules_for_older_names_load_evaluate_and_fire_when_they_have_reason_to(
    start: Callable[..., TelemetryManager], recorder: str, tmp_path: Path
) -> None:
    subprocess.run([needed("promtool"), "check", "rules", str(RULES)], check=True, capture_output=True)
    telemetry = start(
        recorder=recorder,
        metrics={"exporters": ["prometheus"], "legacy_names": True},
        system={"enabled": False},
        health={"check_interval": "200ms", "cache_ttl": "100ms"},
    )
    url = telemetry.endpoint_url
    assert url is not None
    service = Service(telemetry)
    service.work(cpu=0.2, free=0.7, video_s=2, failed=0, is_well=True)
    assert get(f"{url}/metrics")[0] == 200
    with prometheus_server(tmp_path, {"service": url}, rules=RULES) as server:

        def work_until(condition: Callable[[], bool], **how: float) -> None:
            def work_and_look() -> bool:
                service.work(**how)  # type: ignore[arg-type]
                return condition()

            until(work_and_look, timeout_s=30, every_s=0.25)

        # All that each rule asks for is there, and it is in order.
        asked = (
            "system_cpu_usage_percent",
            "rate(video_processing_duration_ms_sum[5m]) / rate(video_processing_duration_ms_count[5m])",
            "rate(api_errors_total[5m]) / rate(api_requests_total[5m])",
            "system_disk_available_bytes / system_disk_usage_bytes",
            "system_health_status",
        )
        calm = {"cpu": 0.2, "free": 0.7, "video_s": 2, "failed": 0, "is_well": True}
        work_until(lambda: all(len(server.results(query)) == 1 for query in asked), **calm)
        assert [round(server.value(query), 3) for query in asked] == [20.0, 2000.0, 0.0, 2.333, 1.0]
        until(lambda: all(rule["evaluationTime"] > 0 for rule in server.rules().values()))
        assert _states(server) == dict.fromkeys(ALERTS, "inactive")

        bad = {"cpu": 0.9, "free": 0.05, "video_s": 400, "failed": 5, "is_well": False}
        work_until(lambda: _states(server) == dict.fromkeys(ALERTS, "firing"), **bad)
        for rule in server.rules().values():
            assert (rule["health"], rule.get("lastError", ""), len(rule["alerts"])) == ("ok", "", 1)
        wrong = server.what_went_wrong()
        assert wrong.pop("counters") > 5
        assert wrong == {}


def test_without_the_setting_the_older_names_are_not_there(start: Callable[..., TelemetryManager]) -> None:
    telemetry = start(system={"enabled": False}, metrics={"exporters": ["prometheus"]})
    Service(telemetry).work(cpu=0.2, free=0.7, video_s=2, failed=0, is_well=True)
    _status, metrics = get(f"{telemetry.endpoint_url}/metrics")
    assert b"video_processing_duration_seconds_sum" in metrics
    for older in (b"video_processing_duration_ms", b"system_cpu_usage_percent", b"system_disk_", b"system_health_status"):
        assert older not in metrics
