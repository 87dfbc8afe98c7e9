"""``heliograph exec``: programs that know nothing of telemetry, started with it, as their users start them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.interpreter import own_environment
from tests.support.otlp_receiver import OtlpReceiver, http_receiver
from tests.support.processes import free_port, get
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

WORK = """
import sys
from opentelemetry import trace

def work(name="work"):
    with trace.get_tracer("app").start_as_current_span(name):
        pass
"""


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with http_receiver() as started:
        yield started


class Program:
    """What is run, below ``folder``, with telemetry that goes to ``receiver``."""

    def __init__(self, folder: Path, receiver: OtlpReceiver) -> None:
        self.folder = folder
        self.settings = folder / "telemetry.json"
        otlp = [{"type": "otlp", "endpoint": receiver.url, "protocol": "http"}]
        quick = {"export_interval": "50ms"}
        self.settings.write_text(
            json.dumps(
                {
                    "service_name": "shop",
                    "tracing": {"exporters": otlp, "batch_export": quick},
                    "metrics": {"exporters": ["prometheus"]},
                    "logs": {"exporters": otlp},
                    "server": {"port": 0},
                    "delivery": {"spool": "off"},
                }
            )
        )
        (folder / "shop.py").write_text(WORK)

    def command(self, *program: str, options: tuple[str, ...] = ()) -> list[str]:
        return [sys.executable, "-m", "heliograph", "exec", "--file", str(self.settings), *options, "--", *program]

    def start(self, *program: str, options: tuple[str, ...] = (), **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*program, options=options),
            cwd=self.folder,
            env=own_environment(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *program: str, code: int = 0, options: tuple[str, ...] = (), **environ: str) -> tuple[str, str]:
        with ended(self.start(*program, options=options, **environ)) as process:
            out, err = process.communicate(timeout=30)
        assert process.returncode == code, err
        return out, err


@contextlib.contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


@pytest.fixture
def program(tmp_path: Path, receiver: OtlpReceiver) -> Program:
    return Program(tmp_path, receiver)


def names(receiver: OtlpReceiver) -> list[str]:
    return sorted(span.name for span in receiver.spans())


def instances(receiver: OtlpReceiver) -> set[str]:
    """The service instances that spans came from."""
    return {
        attribute.value.string_value
        for signal_name, _headers, message in receiver.requests
        if signal_name == "traces"
        for part in message.resource_spans
        for attribute in part.resource.attributes
        if attribute.key == "service.instance.id"
    }


def test_a_script_has_telemetry_and_sees_what_it_sees_without(program: Program, receiver: OtlpReceiver) -> None:
    (program.folder / "app.py").write_text(
        "import json, logging, sys, sqlite3, shop\n"
        "logging.basicConfig(format='%(levelname)s %(message)s [%(trace_id)s]')\n"
        "shop.work()\n"
        "sqlite3.connect(':memory:').cursor().execute('select 1')\n"
        "logging.warning('low stock')\n"
        "print(json.dumps([sys.argv, [p for p in sys.path if 'exec' in p]]))\n"
    )
    out, err = program.run(sys.executable, "app.py", "--flag", "a b")
    assert json.loads(out) == [["app.py", "--flag", "a b"], []]
    assert err == "WARNING low stock []\n"
    assert names(receiver) == ["select", "work"]
    assert [record.body.string_value for record in receiver.log_records()] == ["low stock"]


def test_a_module_and_code_given_on_the_command_line_have_telemetry_too(program: Program, receiver: OtlpReceiver) -> None:
    assert program.run(sys.executable, "-c", "import shop; shop.work('code')") == ("", "")
    (program.folder / "__init__.py").touch()
    (program.folder / "tool.py").write_text("import shop\nshop.work('module')\n")
    assert program.run(sys.executable, "-m", "tool") == ("", "")
    assert names(receiver) == ["code", "module"]


@pytest.mark.parametrize("code", [3, 0])
def test_the_exit_code_is_the_programs(program: Program, receiver: OtlpReceiver, code: int) -> None:
    assert program.run(sys.executable, "-c", f"import shop; shop.work(); sys = shop.sys; sys.exit({code})", code=code)
    assert names(receiver) == ["work"]


def test_a_program_that_fails_says_so_itself_and_loses_nothing(program: Program, receiver: OtlpReceiver) -> None:
    _out, err = program.run(sys.executable, "-c", "import shop; shop.work(); raise LookupError('no such order')", code=1)
    assert err.splitlines()[0] == "Traceback (most recent call last):"
    assert err.splitlines()[-1] == "LookupError: no such order"
    assert names(receiver) == ["work"]


def test_a_signal_reaches_the_program_which_delivers_before_it_ends(program: Program, receiver: OtlpReceiver) -> None:
    code = "import shop, time; shop.work(); print('ready', flush=True); time.sleep(60)"
    with ended(program.start(sys.executable, "-c", code)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == -signal.SIGTERM
    assert names(receiver) == ["work"]


def test_a_handler_of_the_programs_own_decides_how_it_ends(program: Program) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    with ended(program.start(sys.executable, "-c", code)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 5


def test_a_sitecustomize_of_the_environment_runs_before_the_program(program: Program, receiver: OtlpReceiver) -> None:
    own = program.folder / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import builtins\nbuiltins.was_customized = True\n")
    code = "import sitecustomize, shop; shop.work(); print(was_customized, sitecustomize.__file__)"
    out, err = program.run(sys.executable, "-c", code, PYTHONPATH=str(own))
    assert (out, err) == (f"True {own / 'sitecustomize.py'}\n", "")
    assert names(receiver) == ["work"]


def test_a_sitecustomize_that_fails_is_said_by_python_as_ever(program: Program, receiver: OtlpReceiver) -> None:
    (program.folder / "sitecustomize.py").write_text("raise LookupError('odd')\n")
    _out, err = program.run(sys.executable, "-c", "import shop; shop.work()", PYTHONPATH=str(program.folder))
    assert "Error in sitecustomize" in err
    assert "LookupError: odd" in err
    assert names(receiver) == ["work"]


def test_children_of_the_program_have_telemetry_each_as_an_instance_of_its_own(
    program: Program, receiver: OtlpReceiver
) -> None:
    (program.folder / "app.py").write_text(
        "import multiprocessing, subprocess, sys, shop\n"
        "if __name__ == '__main__':\n"
        "    shop.work('parent')\n"
        "    subprocess.run([sys.executable, '-c', 'import shop; shop.work(\"child\")'], check=True)\n"
        "    for method in ('spawn', 'fork'):\n"
        "        process = multiprocessing.get_context(method).Process(target=shop.work, args=(method,))\n"
        "        process.start()\n"
        "        process.join()\n"
    )
    assert program.run(sys.executable, "app.py") == ("", "")
    assert names(receiver) == ["child", "fork", "parent", "spawn"]
    assert len(instances(receiver)) == 4


def test_what_the_program_starts_itself_takes_the_place(program: Program, receiver: OtlpReceiver) -> None:
    code = (
        "from heliograph import TelemetryManager\n"
        "import sqlite3\n"
        "telemetry = TelemetryManager.start('own', tracing={'exporters': ['memory']}, server={'port': 0})\n"
        "sqlite3.connect(':memory:').cursor().execute('select 1')\n"
        "telemetry.force_flush()\n"
        "print([span.name for span in telemetry.exporter('traces', 'memory').items()])\n"
    )
    assert program.run(sys.executable, "-c", code) == ("['select']\n", "")
    assert names(receiver) == []


def test_excluded_libraries_are_left_alone_and_the_service_can_be_named(program: Program, receiver: OtlpReceiver) -> None:
    code = "import shop, sqlite3; shop.work(); sqlite3.connect(':memory:').cursor().execute('select 1')"
    options = ("--exclude", "sqlite3", "--exclude", "logging", "--service-name", "till")
    assert program.run(sys.executable, "-c", code, options=options) == ("", "")
    assert names(receiver) == ["work"]
    resource = receiver.requests[0][2].resource_spans[0].resource
    assert {each.key: each.value.string_value for each in resource.attributes}["service.name"] == "till"


def test_settings_with_a_fault_are_said_and_the_program_runs_unless_it_is_strict(program: Program) -> None:
    program.settings.write_text('{"tracing": {"sample_rate": 7}}')
    out, err = program.run(sys.executable, "-c", "print('ran')")
    assert out == "ran\n"
    assert "heliograph exec: telemetry is off: 1 fault in the settings" in err
    out, err = program.run(sys.executable, "-c", "print('ran')", options=("--strict",), code=2)
    assert (out, "tracing.sample_rate: given 7" in err) == ("", True)


def test_a_python_without_heliograph_runs_its_program(program: Program) -> None:
    # -S: without the packages that are installed; nothing but the standard library is there then.
    site = Path(sys.modules["heliograph"].__file__ or "").parent / "integrations" / "exec" / "site"
    code = f"import sys; sys.path.insert(0, {str(site)!r}); import sitecustomize; print('ran')"
    ran = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, timeout=20, check=True)
    assert ran.stdout == "ran\n"
    assert ran.stderr.startswith(f"heliograph exec: telemetry is off in {sys.executable}: ")


@pytest.mark.parametrize(("name", "code"), [("no-such-program", 127), (".", 126)])
def test_what_cannot_be_run_is_said_with_the_code_of_a_shell(program: Program, name: str, code: int) -> None:
    _out, err = program.run(name, code=code)
    assert err.startswith(f"heliograph exec: cannot run {name!r}: ")


FASTAPI = """
import fastapi, shop
app = fastapi.FastAPI()

@app.get("/orders/{number}")
def order(number: int):
    shop.work()

@app.get("/health")
def health():
    shop.work("probe")
"""
FLASK = """
import flask, shop
app = flask.Flask("shop")

@app.get("/orders/<int:number>")
def order(number):
    shop.work()
    return "an order"

@app.get("/health")
def health():
    shop.work("probe")
    return "up"
"""
DJANGO = """
import shop
from django.http import HttpResponse
from django.urls import path

SECRET_KEY, ALLOWED_HOSTS, ROOT_URLCONF = "of a test", ["*"], "app"

def order(request, number):
    shop.work()
    return HttpResponse("an order")

def health(request):
    shop.work("probe")
    return HttpResponse("up")

urlpatterns = [path("orders/<int:number>", order), path("health", health)]
"""


@pytest.mark.parametrize(
    ("server", "application", "route"),
    [
        (["uvicorn", "app:app", "--workers", "2", "--port", "{port}"], FASTAPI, "/orders/{number}"),
        (["gunicorn", "app:app", "--workers", "2", "--bind", "127.0.0.1:{port}"], FLASK, "/orders/<int:number>"),
        (["django", "runserver", "--noreload", "127.0.0.1:{port}"], DJANGO, "orders/<int:number>"),
    ],
    ids=["uvicorn", "gunicorn", "django"],
)
def test_a_server_serves_with_telemetry_in_each_of_its_workers(
    program: Program, receiver: OtlpReceiver, server: list[str], application: str, route: str
) -> None:
    (program.folder / "app.py").write_text(application)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = [part.replace("{port}", str(port)) for part in server]
    environ = {"PYTHONPATH": os.curdir, "DJANGO_SETTINGS_MODULE": "app"}
    with ended(program.start(sys.executable, "-m", *arguments, **environ)) as process:
        until(lambda: get(f"{url}/health")[0] == 200, timeout_s=30)
        statuses = [get(f"{url}/orders/{number}")[0] for number in range(20)]
        process.send_signal(signal.SIGTERM)
        _out, err = process.communicate(timeout=30)
    assert statuses == [200] * 20
    assert names(receiver) == [f"GET {route}"] * 20 + ["work"] * 20, err
    assert 1 <= len(instances(receiver)) <= 2
    assert "heliograph" not in err


def test_help_shows_how_it_is_used() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "heliograph", "exec", "--help"], capture_output=True, text=True, timeout=20, check=True
    )
    assert "heliograph exec -- python app.py" in " ".join(said.stdout.split())


def test_where_standard_error_is_closed_standard_output_is_the_programs_alone(program: Program) -> None:
    program.settings.write_text("{")
    with ended(program.start("/bin/sh", "-c", f"exec {sys.executable} -c 'print(1)' 2>&-")) as process:
        assert process.communicate(timeout=30) == ("1\n", "")
