"""A real Prometheus with several jobs, rules and features, what it says of itself, and a way to have it ask for a format."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import urllib3

from tests.support.processes import free_port, get, needed, running
from tests.support.waiting import until

TEXT = "text/plain; version=0.0.4"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"

# Each by the complaint of promtool's linter about it. OpenTelemetry's conventions, or the application before, named these.
ALLOWED_LINT = {
    'non-histogram and non-summary metrics should not have "_count" suffix': {
        "cpython_thread_count",
        "process_thread_count",
        "process_unix_file_descriptor_count",
        "system_cpu_logical_count",
        "system_cpu_physical_count",
        "system_network_connection_count",
    },
    "metric names should not contain abbreviated units": {
        "api_request_duration_ms",
        "frame_processing_duration_ms",
        "video_processing_duration_ms",
    },
}

# What Prometheus counts of its scrapes when something is wrong with them.
_WRONG = re.compile(
    r"^(prometheus_target_(?:"
    r"scrapes_(?:exceeded_\w+|sample_\w+|exemplar_\w+)|scrape_pool_exceeded_\w+|scrape_pools_failed|"
    r"scrape_pool_reloads_failed|metadata_errors)_total|prometheus_tsdb_exemplar_out_of_order_exemplars_total|"
    r"prometheus_rule_evaluation_failures_total)(?:\{.*\})? (\S+)$",
    re.MULTILINE,
)


def lint(metrics: bytes) -> dict[str, set[str]]:
    """What promtool's linter says of a scrape in the text format: the names by the complaint."""
    checked = subprocess.run([needed("promtool"), "check", "metrics"], input=metrics, capture_output=True, check=False)
    complaints: dict[str, set[str]] = {}
    for line in filter(None, (checked.stdout + checked.stderr).decode().splitlines()):
        name, _space, complaint = line.partition(" ")
        complaints.setdefault(complaint, set()).add(name)
    return complaints


@dataclass
class PrometheusServer:
    """A running Prometheus, asked by its API."""

    url: str

    def value(self, query: str) -> float:
        """The value of a query that gives exactly one series."""
        results = self.results(query)
        assert len(results) == 1, f"{query} gave {results}"
        return float(results[0]["value"][1])

    def results(self, query: str) -> list[dict[str, Any]]:
        return list(self.ask("query", query=query)["result"])

    def ask(self, path: str, **fields: str) -> Any:
        document = urllib3.request("GET", f"{self.url}/api/v1/{path}", fields=fields, retries=False, timeout=30.0).json()
        assert document["status"] == "success", document
        return document["data"]

    def values(self, query: str, by: str) -> dict[str, float]:
        """The values of a query, by a label that tells its series apart."""
        results = self.results(query)
        found = {result["metric"].get(by, ""): float(result["value"][1]) for result in results}
        assert len(found) == len(results), f"{by} does not tell the series of {query} apart"
        return found

    def labels(self, query: str) -> list[dict[str, str]]:
        """The labels of each series that a query gives, without those of the scrape."""
        return [
            {name: value for name, value in result["metric"].items() if name not in _OF_SCRAPES}
            for result in self.results(query)
        ]

    def exemplars(self, query: str) -> list[dict[str, Any]]:
        """Each exemplar of the series that a query names, with their labels as ``series``."""
        found = self.ask("query_exemplars", query=query, start="0", end="9999999999")
        return [{**exemplar, "series": series["seriesLabels"]} for series in found for exemplar in series["exemplars"]]

    def rules(self) -> dict[str, dict[str, Any]]:
        """Each alerting rule, by its name."""
        return {rule["name"]: rule for group in self.ask("rules")["groups"] for rule in group["rules"]}

    def targets(self) -> dict[str, dict[str, Any]]:
        """Each target, by the name of its job."""
        return {target["labels"]["job"]: target for target in self.ask("targets")["activeTargets"]}

    def what_went_wrong(self) -> dict[str, float]:
        """Those of its own counters of faults in scrapes and rules that are not 0, and, so that nothing is taken for well that
        is not looked at, how many there are as ``counters``."""
        status, body = get(f"{self.url}/metrics")
        assert status == 200
        found = {name: float(value) for name, value in _WRONG.findall(body.decode())}
        return {**{name: value for name, value in found.items() if value}, "counters": len(found)}


_OF_SCRAPES = ("__name__", "job", "instance")


@contextlib.contextmanager
def prometheus_server(
    folder: Path, jobs: Mapping[str, str], *, rules: Path | None = None, interval: str = "1s", features: Sequence[str] = ()
) -> Iterator[PrometheusServer]:
    """A real Prometheus: ``jobs`` says which URL without a path each job scrapes, ``rules`` is a file of rules."""
    program, port = needed("prometheus"), free_port()
    settings = folder / "prometheus.json"  # JSON is YAML
    scrapes = [{"job_name": job, "static_configs": [{"targets": [url.removeprefix("http://")]}]} for job, url in jobs.items()]
    document = {
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "rule_files": [str(rules)] if rules is not None else [],
        "scrape_configs": scrapes,
    }
    settings.write_text(json.dumps(document))
    arguments = [
        program,
        f"--config.file={settings}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--enable-feature={','.join(features)}",
    ]
    with running(arguments, folder / "prometheus.log"):
        url = f"http://127.0.0.1:{port}"
        until(lambda: get(f"{url}/-/ready")[0] == 200, timeout_s=20)
        yield PrometheusServer(url)


@dataclass
class Asking:
    """A server in front of another that asks it for one format, whatever it is asked for itself. ``content_types`` are those
    of its answers, ``problems`` what it could not get."""

    url: str
    content_types: set[str]
    problems: list[str]


@contextlib.contextmanager
def asking_for(accept: str, target: str) -> Iterator[Asking]:
    """Scrape ``target`` (a URL without a path) by way of this, to get the format that ``accept`` names."""
    asking = Asking("", set(), [])
    pool = urllib3.PoolManager(retries=False, timeout=10.0)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {"Accept": accept, "Accept-Encoding": self.headers.get("Accept-Encoding", "")}
            try:
                answer = pool.request("GET", target + self.path, headers=headers, decode_content=False)
            except urllib3.exceptions.HTTPError as error:
                asking.problems.append(repr(error))
                self.send_error(502)
                return
            asking.content_types.add(answer.headers["Content-Type"])
            self.send_response(answer.status)
            for name in ("Content-Type", "Content-Encoding", "Content-Length"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.end_headers()
            self.wfile.write(answer.data)

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    asking.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield asking
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
        pool.clear()
