"""The demo scraped by a real Prometheus: what it stored is what the client did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes import Demo, get
from tests.support.prometheus_server import ALLOWED_LINT, lint, prometheus_server

pytestmark = pytest.mark.e2e


def test_prometheus_stores_what_the_client_did(demo: Callable[..., Demo], recorder: str, tmp_path: Path) -> None:
    duration_s = {"native": 20, "opentelemetry-sdk": 8}[recorder]  # the default is watched for longer
    with demo("--duration", str(duration_s), "--rate", "20", "--linger", "4") as running:
        running.wait_until_serving()
        with prometheus_server(tmp_path, {"demo": running.url}) as server:
            summary = running.summary(timeout_s=60)
            requests = summary["requests"]
            assert requests >= 19 * duration_s
            # Over time and not at an instant: the demo has ended, so its series are stale by now.
            assert server.value("sum(max_over_time(api_requests_total[5m]))") == requests
            assert server.value("sum(max_over_time(http_server_request_duration_seconds_count[5m]))") == requests
            assert server.value("max_over_time(up[5m])") == 1
            assert server.value("count_over_time((up == 1)[1m:1s])") >= duration_s - 2
            assert server.value("max(max_over_time(process_memory_usage_bytes[5m]))") > 10_000_000
            assert server.value('max_over_time(system_memory_usage_bytes{system_memory_state="used"}[5m])') > 0
            assert server.value('max_over_time(system_cpu_utilization{cpu_mode="user"}[5m])') > 0
            assert server.value("max_over_time(health_status[5m])") >= 1
            for status, count in summary["answers"].items():
                by_status = f'sum(max_over_time(api_requests_total{{http_response_status_code="{status}"}}[5m]))'
                assert server.value(by_status) == count


def test_promtool_reads_the_live_metrics(demo: Callable[..., Demo]) -> None:
    with demo("--duration", "2", "--linger", "5") as running:
        running.wait_until_serving()
        status, metrics = get(f"{running.url}/metrics")
        assert status == 200
    for complaint, names in lint(metrics).items():
        assert names <= ALLOWED_LINT.get(complaint, set())


def test_the_health_endpoint_of_the_running_demo_answers_200(tmp_path: Path) -> None:
    with Demo(tmp_path, "--duration", "2") as demo:
        demo.wait_until_serving()
        status, body = get(f"{demo.url}/health")
        assert status == 200, body
        assert b'"worker_queue"' in body
        demo.summary()
