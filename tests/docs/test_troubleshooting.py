"""docs/troubleshooting.md: each symptom is brought about, and the doctor says the line that the page has."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from heliograph import TelemetryManager
from heliograph.doctor.circumstances import Circumstances
from heliograph.doctor.examination import examine, faults
from heliograph.doctor.finding import Finding
from heliograph.doctor.libraries import missing
from heliograph.doctor.packages import Package, skew
from heliograph.errors import SettingsError
from heliograph.settings.loading.load import load
from tests.support.certificates import Certificates, make_certificates
from tests.support.interpreter import own_environment
from tests.support.otlp_receiver import grpc_receiver
from tests.support.processes import free_port
from tests.support.proxy_server import proxy_server
from tests.support.raw_server import raw_server
from tests.support.routed_server import Reply, routed_server
from tests.support.tls_server import server_context

PAGE = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text()
LINES = re.findall(r"^\|[^|]*\| `([^`]*)` \|$", PAGE, re.MULTILINE)
COMMANDS = re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE)

TRACES_ONLY = {"HELIOGRAPH_METRICS__ENABLED": "false", "HELIOGRAPH_LOGS__ENABLED": "false"}
GRPC = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


class Scene:
    """What a symptom is brought about with. ``says`` gives the lines of some checks, with the ports of the page."""

    def __init__(self, folder: Path, stack: ExitStack, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.stack = stack
        self.certificates = certificates
        self.monkeypatch = monkeypatch
        self._shown: list[tuple[str, str]] = [(f"{folder}/", "")]

    def show(self, is_so: str, as_it_is_shown: str) -> None:
        self._shown.append((is_so, as_it_is_shown))

    def says(self, environ: dict[str, str], *checks: str, mounts: str = "") -> list[str]:
        try:
            loaded = load(environ=environ, folder=self.folder)
        except SettingsError as error:
            return self.lines(faults(error))
        around = Circumstances(
            settings=loaded.settings,
            environ=environ,
            folder=self.folder,
            notices=loaded.notices,
            mounts=mounts,
            source=lambda place: str(loaded.source(place)),
        )
        return self.lines(examine(around, only=checks))

    def lines(self, findings: list[Finding]) -> list[str]:
        lines = [finding.what for finding in findings]
        for is_so, shown in self._shown:
            lines = [line.replace(is_so, shown) for line in lines]
        return lines

    def sends(self, url: str, shown_port: int = 4318, **environ: str) -> list[str]:
        """Traces alone, to a server on this machine that the page has on ``shown_port``."""
        port = url.rpartition(":")[2]
        url = url.replace("127.0.0.1", "localhost")
        self.show(f":{port}", f":{shown_port}")
        wanted = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
        return self.says({**TRACES_ONLY, **wanted, **environ}, "destination")

    def answers(self, reply: Reply, **environ: str) -> list[str]:
        return self.sends(self.stack.enter_context(routed_server(others=reply)), **environ)

    def shakes_hands(
        self, certificate: str = "good", *, scheme: str = "https", clients_of: str | None = None, **environ: str
    ) -> list[str]:
        context = server_context(getattr(self.certificates, certificate), clients_of=clients_of)
        url = self.stack.enter_context(routed_server(others=Reply(), tls=context))
        return self.sends(url.replace("https", scheme), **environ)

    def trusting(self) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_CERTIFICATE": self.certificates.ca_file}

    def through_proxy(self, answer: bytes | None) -> list[str]:
        proxy = self.stack.enter_context(proxy_server())
        proxy.answer = answer
        url = proxy.url if answer is not None else f"http://127.0.0.1:{free_port()}"
        for name, value in {"http_proxy": url, "no_proxy": ""}.items():
            self.monkeypatch.setenv(name, value)
        environ = {**TRACES_ONLY, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.invalid:4318", "http_proxy": url}
        return self.says(environ, "destination")


def _dropping(scene: Scene) -> list[str]:
    listening = scene.stack.enter_context(socket.socket())
    listening.bind(("127.0.0.1", 0))
    listening.listen(0)
    for _ in range(4):
        waiting = scene.stack.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(listening.getsockname())
    return scene.sends(f"http://127.0.0.1:{listening.getsockname()[1]}", HELIOGRAPH_TRACING__EXPORTERS=_slow(listening))


def _silent(scene: Scene) -> list[str]:
    listening = scene.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    return scene.sends(f"http://127.0.0.1:{listening.getsockname()[1]}", HELIOGRAPH_TRACING__EXPORTERS=_slow(listening))


def _unanswered_look_up(scene: Scene) -> list[str]:
    is_over, real, before = threading.Event(), socket.getaddrinfo, set(threading.enumerate())
    scene.monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **more: real(*given, **more) if is_over.wait(60) else [])
    exporters = '[{"type": "otlp", "endpoint": "http://collector.invalid:4318", "timeout": "100ms"}]'
    try:
        return scene.says({**TRACES_ONLY, "HELIOGRAPH_TRACING__EXPORTERS": exporters}, "destination")
    finally:
        is_over.set()
        for thread in set(threading.enumerate()) - before:
            thread.join(10)


def _slow(listening: socket.socket) -> str:
    port = listening.getsockname()[1]
    return f'[{{"type": "otlp", "endpoint": "http://localhost:{port}", "timeout": "300ms"}}]'


def _partial(_scene: Scene) -> Reply:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 1
    return Reply(body=answer.SerializeToString())


def _traces_only_server(scene: Scene) -> list[str]:
    url = scene.stack.enter_context(routed_server({"/v1/traces": Reply()}))
    scene.show(url.rpartition(":")[2], "4318")
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_METRICS_EXPORTER": "otlp"}
    return scene.says(environ, "destination")


def _own_endpoint(scene: Scene) -> list[str]:
    url = scene.stack.enter_context(routed_server())
    scene.show(url.rpartition(":")[2], "4318")
    return scene.says({**TRACES_ONLY, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": url}, "destination")


def _file(scene: Scene) -> list[str]:
    (scene.folder / "file").write_text("")
    scene.monkeypatch.chdir(scene.folder)
    exporters = '[{"type": "file", "path": "file/traces.json"}]'
    return scene.says({**TRACES_ONLY, "HELIOGRAPH_TRACING__EXPORTERS": exporters}, "destination")


def _taken_port(scene: Scene) -> list[str]:
    listening = scene.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    scene.show(f"port {listening.getsockname()[1]}", "port 9464")
    return _named(scene.says({"PROMETHEUS_PORT": str(listening.getsockname()[1])}, "port"))


def _running(scene: Scene) -> list[str]:
    telemetry = TelemetryManager.start("shop", server={"port": 0})
    assert telemetry.endpoint_url is not None
    port = telemetry.endpoint_url.rpartition(":")[2]
    scene.show(f":{port}", ":9464")
    return _named(scene.says({"PROMETHEUS_PORT": port, "OTEL_SERVICE_NAME": "shop"}, "port"))


def _named(lines: list[str]) -> list[str]:
    """The program that has a port is this one, whatever it is called."""
    return [re.sub(r"by \S+ \(pid \d+\)", "by python (pid 4711)", line) for line in lines]


def _spool(scene: Scene) -> list[str]:
    (scene.folder / "file").write_text("")
    environ = {"HELIOGRAPH_DELIVERY__SPOOL_DIRECTORY": "file", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}
    return scene.says(environ, "directory")


def _late(scene: Scene) -> list[str]:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=10, seconds=5), usegmt=True)
    return scene.answers(Reply(date=date))


def _skewed(scene: Scene) -> list[str]:
    flask = Package(name="opentelemetry-instrumentation-flask", version="0.50b0", requires=("opentelemetry-api==1.29.0",))
    return scene.lines(list(skew([Package(name="opentelemetry-api", version="1.45.2"), flask])))


HTML = {"Content-Type": "text/html"}
MOUNTS = "40 22 0:35 / {} rw,relatime shared:9 - nfs4 files:/export rw\n"
NOTHING = {"HELIOGRAPH_METRICS__EXPORTERS": "[]"}

# In the order of the page.
SCENES: tuple[Callable[[Scene], list[str]], ...] = (
    lambda scene: scene.sends(f"http://127.0.0.1:{free_port()}"),
    lambda scene: scene.says({**TRACES_ONLY, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.invalid:4318"}, "destination"),
    _dropping,
    _unanswered_look_up,
    lambda scene: scene.sends(scene.stack.enter_context(raw_server(lambda _connection: None))),
    _silent,
    lambda scene: scene.sends(scene.stack.enter_context(routed_server()), **GRPC),
    lambda scene: scene.sends(scene.stack.enter_context(grpc_receiver()).url, 4317),
    lambda scene: scene.sends(scene.stack.enter_context(routed_server()).replace("http", "https")),
    lambda scene: scene.shakes_hands(scheme="http"),
    lambda scene: scene.shakes_hands(),
    lambda scene: scene.shakes_hands("expired", **scene.trusting()),
    lambda scene: scene.shakes_hands("elsewhere", **scene.trusting()),
    lambda scene: scene.shakes_hands(clients_of=scene.certificates.ca_file, **scene.trusting()),
    lambda scene: scene.shakes_hands(OTEL_EXPORTER_OTLP_CERTIFICATE="/nowhere/ca.pem"),
    lambda scene: scene.answers(Reply(401)),
    lambda scene: scene.sends(f"http://me:secret@127.0.0.1:{free_port()}"),
    lambda scene: scene.answers(Reply(403), OTEL_EXPORTER_OTLP_HEADERS="x-api-key=abc"),
    lambda scene: scene.answers(Reply(404)),
    _own_endpoint,
    _traces_only_server,
    lambda scene: scene.answers(Reply(200, HTML, b"<html>")),
    lambda scene: scene.answers(_partial(scene)),
    lambda scene: scene.answers(Reply(429)),
    lambda scene: scene.answers(Reply(503)),
    lambda scene: scene.through_proxy(None),
    lambda scene: scene.through_proxy(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"),
    lambda scene: scene.says(
        {
            **TRACES_ONLY,
            "HELIOGRAPH_TRACING__EXPORTERS": '[{"type": "jaeger", "endpoint": "http://localhost:14268/api/traces"}]',
        },
        "destination",
    ),
    _file,
    lambda scene: scene.says(NOTHING, "switches"),
    lambda scene: scene.says({"OTEL_SDK_DISABLED": "true"}, "switches"),
    lambda scene: scene.says({"PYTEST_VERSION": "8.4"}, "switches"),
    lambda scene: scene.says({"OTEL_TRACES_EXPORTR": "otlp"}, "settings"),
    lambda scene: scene.says({"HELIOGRAPH_TRACING__SAMPLE_RATE": "7"}),
    lambda scene: scene.says({"HELIOGRAPH_TRACING__SAMPLE_RATE": "0.1", "OTEL_TRACES_EXPORTER": "otlp"}, "switches"),
    lambda scene: scene.says({"HELIOGRAPH_TRACING__SAMPLE_RATE": "0", "OTEL_TRACES_EXPORTER": "otlp"}, "switches"),
    lambda scene: scene.says({}, "switches"),
    _late,
    lambda scene: scene.lines(list(missing({"flask"}))),
    _skewed,
    lambda scene: scene.says(
        {
            **TRACES_ONLY,
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.invalid:4318",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=abc",
        },
        "destination",
    ),
    _taken_port,
    _running,
    lambda scene: scene.says({"HELIOGRAPH_SERVER__ENABLED": "false"}, "port"),
    lambda scene: scene.says({"WEB_CONCURRENCY": "4"}, "workers"),
    lambda scene: scene.says({"PROMETHEUS_MULTIPROC_DIR": "/proc/heliograph"}, "directory"),
    lambda scene: scene.says({"PROMETHEUS_MULTIPROC_DIR": "shared"}, "directory", mounts=MOUNTS.format(scene.folder)),
    _spool,
)


@contextmanager
def scene(folder: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(folder, stack, certificates, monkeypatch)


def test_every_symptom_of_the_page_has_a_scene() -> None:
    assert len(LINES) == len(SCENES)


@pytest.mark.parametrize(("line", "play"), list(zip(LINES, SCENES, strict=False)), ids=LINES[: len(SCENES)])
def test_the_doctor_says_what_the_page_has(
    line: str, play: Callable[[Scene], list[str]], tmp_path: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene(tmp_path, certificates, monkeypatch) as stage:
        assert line in play(stage)


def run(command: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = own_environment({"PATH": path, **environ})
    return subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    (tmp_path / "heliograph.yaml").write_text(
        "service_name: shop\nserver: {port: 0}\ntracing: {exporters: [memory]}\nmetrics: {exporters: [memory]}\n"
        "logs: {exporters: [memory]}\n"
    )
    (tmp_path / "app.py").write_text(
        "from heliograph import TelemetryManager\n"
        "with TelemetryManager.start() as telemetry, telemetry.span('sale'):\n"
        "    pass\n"
    )
    doctor, as_json, file, modes = COMMANDS
    assert doctor == "heliograph doctor"
    assert run(doctor, tmp_path).returncode == 0
    assert as_json == "heliograph doctor --json"
    assert '"exit_code": 0' in run(as_json, tmp_path).stdout
    assert file == "heliograph doctor --file heliograph.yaml"
    assert run(file, tmp_path).stdout.startswith("ok       settings are read from heliograph.yaml")
    assert modes == "HELIOGRAPH_TRACING__DEBUG_MODE=true HELIOGRAPH_TRACING__LOG_SPANS=true python app.py"
    ended = run(modes, tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert "DEBUG heliograph.delivery: traces to memory: 1 item, " in ended.stderr
    assert re.search(r"INFO heliograph\.spans: \S+ span   sale ", ended.stderr)
