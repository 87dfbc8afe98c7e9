"""docs/deployment.md: each of its commands is run on its own programs, and what they record arrives."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml

from tests.support.interpreter import own_environment
from tests.support.otlp_receiver import OtlpReceiver, http_receiver
from tests.support.processes import free_port, get
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

PAGE = (Path(__file__).parents[2] / "docs" / "deployment.md").read_text()
FILES = {
    name: f"# {name}\n{text}" for name, text in re.findall(r"^```python\n# (\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
}
SERVERS = [
    "gunicorn shop:wsgi --bind 127.0.0.1:8000 --workers 2",
    "gunicorn shop:wsgi --bind 127.0.0.1:8000 --workers 2 --preload",
    "gunicorn shop:wsgi --bind 127.0.0.1:8000 --workers 2 --worker-class gthread --threads 4",
    "gunicorn shop:wsgi --bind 127.0.0.1:8000 --workers 2 --worker-class gevent",
    "uvicorn shop:asgi --port 8000",
    "uvicorn shop:asgi --port 8000 --workers 2",
    "uvicorn shop:asgi --port 8000 --reload",
    "hypercorn shop:asgi --bind 127.0.0.1:8000 --workers 2",
    "granian shop:asgi --interface asgi --port 8000",
    "granian shop:wsgi --interface wsgi --port 8000 --workers 2",
]
WORKERS = ["celery -A tasks worker --pool prefork --concurrency 2"]
PROGRAMS = {"HELIOGRAPH_ENABLED=true pytest test_shop.py": "take order", "python report.py": "report"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The page's files, as somebody would have them in one folder; gunicorn's hooks only where they are asked for."""
    (tmp_path / "queue").mkdir()
    for name, text in FILES.items():
        if name != "gunicorn.conf.py":
            (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with http_receiver() as receiver:
        yield receiver


@contextmanager
def started(command: str, folder: Path, receiver: OtlpReceiver, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """A command of the page, on free ports, sending to ``receiver``. Nothing of it is left after the block."""
    *assignments, program = re.split(r"(?<==true) ", command)
    common = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "shared"),
        "HELIOGRAPH_ENABLED": "true",
        "HELIOGRAPH_SERVER__PORT": str(free_port()),
        "GUNICORN_CMD_ARGS": "--no-control-socket",
        "C_FORCE_ROOT": "1",
        "PYTHONPATH": ".",  # celery and pytest take the folder that they run in
        **dict(assignment.split("=") for assignment in assignments),
        **environ,
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            shlex.split(program),
            cwd=folder,
            env=own_environment(common),
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ask(url: str, times: int) -> None:
    until(lambda: get(url)[0] == 200, timeout_s=20)
    time.sleep(0.5)  # a worker that is told to end before it has begun misses it, gunicorn's and granian's alike
    for _time in range(times - 1):
        assert get(url) == (200, b"taken")


def end(process: subprocess.Popen[str]) -> None:
    """As a platform does it; telemetry may take a little of its time, not all."""
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) in {0, -signal.SIGTERM}


def names(receiver: OtlpReceiver) -> list[str]:
    return [span.name for span in receiver.spans()]


def resource_keys(receiver: OtlpReceiver) -> set[str]:
    """The names of the attributes of whoever sent spans."""
    messages = [message for kind, _headers, message in receiver.requests if kind == "traces"]
    return {each.key for message in messages for part in message.resource_spans for each in part.resource.attributes}


def said_of_telemetry(folder: Path) -> list[str]:
    return [line for line in (folder / "log").read_text().splitlines() if re.search("heliograph|telemetry|Traceback", line)]


def test_every_command_of_the_page_is_one_of_those_that_are_run() -> None:
    assert re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE) == [*SERVERS, *WORKERS, *PROGRAMS]


@pytest.mark.parametrize("command", SERVERS)
def test_a_server_delivers_what_was_recorded_before_its_end(command: str, folder: Path, receiver: OtlpReceiver) -> None:
    port = free_port()
    with started(command.replace("8000", str(port)), folder, receiver) as process:
        ask(f"http://127.0.0.1:{port}/", 4)
        end(process)
    assert names(receiver) == ["take order"] * 4
    assert "shop.orders" in receiver.metric_names()
    assert said_of_telemetry(folder) == []


def test_gunicorns_hooks_start_telemetry_where_the_application_does_not(folder: Path, receiver: OtlpReceiver) -> None:
    (folder / "gunicorn.conf.py").write_text(FILES["gunicorn.conf.py"])
    shop = FILES["shop.py"].replace('TelemetryManager.start(service_name="shop")', "TelemetryManager()")
    traced = shop.replace("with telemetry.span", "with TelemetryManager.current().span")
    (folder / "shop.py").write_text(traced)
    port = free_port()
    with started(SERVERS[0].replace("8000", str(port)), folder, receiver) as process:
        ask(f"http://127.0.0.1:{port}/", 4)
        end(process)
    assert names(receiver) == ["take order"] * 4


@pytest.mark.parametrize("command", WORKERS)
def test_a_worker_of_celerys_delivers_what_its_tasks_recorded(command: str, folder: Path, receiver: OtlpReceiver) -> None:
    send = "import tasks; [tasks.take_order.delay() for _time in range(4)]"
    subprocess.run([sys.executable, "-c", send], cwd=folder, env=own_environment(), check=True, timeout=30)
    with started(command, folder, receiver) as process:
        until(lambda: not list((folder / "queue").glob("*.msg")), timeout_s=20)
        end(process)
    assert names(receiver) == ["take order"] * 4
    assert said_of_telemetry(folder) == []


@pytest.mark.parametrize("command", PROGRAMS)
def test_a_program_delivers_when_it_ends(command: str, folder: Path, receiver: OtlpReceiver) -> None:
    with started(command, folder, receiver) as process:
        assert process.wait(30) == 0, (folder / "log").read_text()
    assert names(receiver) == [PROGRAMS[command]]


def test_a_function_of_lambdas_has_delivered_when_it_answers(folder: Path, receiver: OtlpReceiver) -> None:
    with started("python function.py", folder, receiver) as process:
        assert process.wait(30) == 0
    assert names(receiver) == ["resize", "handle"]


def test_the_cell_of_a_notebook_may_run_again(folder: Path, receiver: OtlpReceiver) -> None:
    section = PAGE.split("## Jupyter")[1]
    cell = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)[0]
    (folder / "notebook.py").write_text(
        f"""
import warnings; warnings.simplefilter("ignore")
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3")
for _time in range(2):
    assert client.execute_interactive({cell!r}, timeout=20)["content"]["status"] == "ok"
client.stop_channels()
manager.shutdown_kernel()
"""
    )
    with started("python notebook.py", folder, receiver) as process:
        assert process.wait(40) == 0, (folder / "log").read_text()
    assert names(receiver) == ["load", "load"]


def test_the_pod_of_the_page_answers_its_probes_and_delivers_at_its_end(folder: Path, receiver: OtlpReceiver) -> None:
    manifest = yaml.safe_load(re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0])
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    ports = {port["name"]: (port["containerPort"], free_port()) for port in container["ports"]}
    environ = {each["name"]: each["value"].replace("$(POD_NAME)", "shop-1") for each in container["env"] if "value" in each}
    here = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "PROMETHEUS_MULTIPROC_DIR": str(folder / "shared")}
    asked, own = ports["http"], ports["telemetry"]
    command = shlex.join(container["command"]).replace(str(asked[0]), str(asked[1]))
    with started(command, folder, receiver, **{**environ, **here, "HELIOGRAPH_SERVER__PORT": str(own[1])}) as process:
        ask(f"http://127.0.0.1:{asked[1]}/", 4)
        for probe in ("livenessProbe", "readinessProbe"):
            found = container[probe]["httpGet"]
            assert ports[found["port"]] == own
            assert get(f"http://127.0.0.1:{own[1]}{found['path']}")[0] == 200, probe
        until(lambda: b"shop_orders_total 4.0" in get(f"http://127.0.0.1:{own[1]}/metrics")[1], timeout_s=5)
        before_s = time.monotonic()
        end(process)
    assert time.monotonic() - before_s < pod["terminationGracePeriodSeconds"]
    assert names(receiver) == ["take order"] * 4
    assert {"k8s.pod.name", "service.instance.id"} <= resource_keys(receiver)
    assert said_of_telemetry(folder) == []
