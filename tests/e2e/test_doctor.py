"""``heliograph doctor`` as people run it: in a folder with settings, beside real servers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.interpreter import own_environment
from tests.support.otlp_receiver import Answer, grpc_receiver, http_receiver
from tests.support.processes import collector, free_port
from tests.support.routed_server import Reply, routed_server

pytestmark = pytest.mark.e2e

SETTINGS = """
service_name: shop
server: {{port: 0}}
tracing: {{exporters: [{{type: otlp, endpoint: "{traces}", timeout: 2s}}]}}
metrics: {{exporters: [prometheus, {{type: otlp, endpoint: "{metrics}", protocol: grpc, timeout: 2s}}]}}
logs: {{exporters: [console]}}
"""


def doctor(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "heliograph", "doctor", *arguments],
        cwd=folder,
        env=own_environment(environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def findings(ended: subprocess.CompletedProcess[str], check: str = "destination") -> list[dict[str, Any]]:
    return [finding for finding in json.loads(ended.stdout)["findings"] if finding["check"] == check]


def test_a_set_up_that_works_gets_0_and_nothing_on_standard_error(tmp_path: Path) -> None:
    with http_receiver() as traces, grpc_receiver() as metrics:
        (tmp_path / "heliograph.yaml").write_text(SETTINGS.format(traces=traces.url, metrics=metrics.url))
        ended = doctor(tmp_path)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    lines = ended.stdout.splitlines()
    assert lines[0] == "ok       settings are read from heliograph.yaml"
    assert any(line.startswith(f"ok       traces to otlp ({traces.url}, HTTP): accepted in ") for line in lines)
    assert any(line.startswith(f"ok       metrics to otlp ({metrics.url}, gRPC): accepted in ") for line in lines)
    assert any(line.startswith("ok       logs to console: printed") for line in lines)
    assert lines[-1] == "nothing is wrong"
    assert [span.name for span in traces.spans()] == ["heliograph.doctor"]
    assert metrics.metric_names() == {"heliograph.doctor"}


def test_what_is_refused_gets_2_with_the_line_of_the_settings(tmp_path: Path) -> None:
    with http_receiver() as traces:
        traces.answers = [Answer(401)] * 5
        dead = f"http://127.0.0.1:{free_port()}"
        (tmp_path / "heliograph.yaml").write_text(SETTINGS.format(traces=traces.url, metrics=dead))
        ended = doctor(tmp_path, "--json")
    assert (ended.returncode, ended.stderr) == (2, "")
    assert json.loads(ended.stdout)["exit_code"] == 2
    first, second, third = findings(ended)
    assert "the server wants credentials" in first["what"]
    assert "tracing.exporters[0] (file heliograph.yaml:4)" in first["fix"]
    assert "nothing listens at" in second["what"]
    assert "metrics.exporters[1] (file heliograph.yaml:5)" in second["fix"]
    assert (third["severity"], "printed" in third["what"]) == ("ok", True)


def test_a_warning_gets_1(tmp_path: Path) -> None:
    ended = doctor(tmp_path, HELIOGRAPH_SERVER__PORT="0", WEB_CONCURRENCY="3", OTEL_TRACES_EXPORTR="otlp")
    assert ended.returncode == 1
    assert "warning  OTEL_TRACES_EXPORTR is ignored" in ended.stdout
    assert "warning  WEB_CONCURRENCY=3: 3 processes" in ended.stdout


def test_settings_with_faults_are_said_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text('service_name = "shop"\n[tracing]\nsample_rate = 7\n')
    ended = doctor(tmp_path, "--file", str(broken))
    assert ended.returncode == 2
    assert ended.stdout.startswith("error    ")
    assert "broken.toml:3: tracing.sample_rate: given 7" in ended.stdout
    assert "Python 3." in ended.stdout
    missing = doctor(tmp_path, "--file", "nowhere.yaml")
    assert (missing.returncode, "nowhere.yaml" in missing.stdout) == (2, True)


def test_secrets_are_in_no_output(tmp_path: Path) -> None:
    with routed_server(others=Reply(403, {}, b"who is s3cr3t?")) as url:
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=s3cr3t"}
        ended = doctor(tmp_path, "--json", **environ)
    assert ended.returncode == 2
    assert "[REDACTED]" in ended.stdout
    assert "s3cr3t" not in ended.stdout + ended.stderr


def test_a_real_collector_is_told_by_what_it_answers(tmp_path: Path) -> None:
    crossed = {"HELIOGRAPH_METRICS__EXPORTERS": "[]", "HELIOGRAPH_LOGS__EXPORTERS": "[]", "OTEL_TRACES_EXPORTER": "otlp"}
    with http_receiver() as behind, collector(behind.url, tmp_path) as between:
        ways = (
            (between.http_url, "http/protobuf", 0, "accepted in"),
            (between.grpc_url, "grpc", 0, "accepted in"),
            (between.grpc_url, "http/protobuf", 2, "HTTP to a gRPC port"),
            (between.http_url, "grpc", 2, "gRPC to a port that speaks HTTP"),
            (between.http_url.replace("http", "https", 1), "http/protobuf", 2, "https:// to a port that speaks no TLS"),
        )
        for url, protocol, code, said in ways:
            environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, **crossed}
            ended = doctor(tmp_path, "--json", HELIOGRAPH_SERVER__PORT="0", **environ)
            (finding,) = findings(ended)
            assert (ended.returncode, said in finding["what"]) == (code, True), finding
