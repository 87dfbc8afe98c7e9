"""The ways in which a Python service is run, a row each: how it is started, given its units, and ended.

What does the units is in `programs/`. A run returns which units were done for sure; for a server those that were answered.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import urllib3

from tests.e2e.lifecycle.stage import ROOT, Stage
from tests.support.processes import get
from tests.support.waiting import until

_PROGRAMS = "tests.e2e.lifecycle.programs"
_WEB = f"{_PROGRAMS}.web"
_COUNT = 24
_SLOW = 2
_AGAIN = urllib3.Retry(5, backoff_factor=0.05)

Run = Callable[[Stage], set[str]]


@dataclass(frozen=True)
class Way:
    """One row. ``processes`` is how many have to have worked at least, ``ordinary`` what the server itself may write, regular
    expressions of its lines. In ``ends_in_s`` seconds it has to end, which is for what it does then beside telemetry."""

    name: str
    run: Run
    processes: int = 1
    ordinary: tuple[str, ...] = ()
    ends_in_s: float = 5.0
    environ: dict[str, str] = field(default_factory=dict)

    def unexpected(self, said: Iterable[str]) -> list[str]:
        """What nobody but telemetry, or a program that fails, can have written."""
        return [line for line in said if not any(re.fullmatch(pattern, line) for pattern in self.ordinary)]


def served(*command: str, exit_codes: tuple[int, ...] = (0,), count: int = _COUNT) -> Run:
    """A web server: units one after the other and at once, and at its end some that are being answered still."""

    def run(stage: Stage) -> set[str]:
        arguments = [part.format(port=stage.port, web=_WEB, folder=stage.folder) for part in command]
        with stage.running(*arguments) as process:
            url = f"http://127.0.0.1:{stage.port}"
            until(lambda: get(f"{url}/ready/0")[0] == 200, timeout_s=20)
            done = ask(url, "work", range(count))
            with ThreadPoolExecutor(1) as beside:
                slow = beside.submit(ask, url, "slowly", range(count, count + _SLOW))
                time.sleep(0.4)  # they have begun by now, and so has every worker
                code = stage.end(process)
                done |= slow.result()
        assert code in exit_codes
        assert len(done) >= count
        return done

    return run


def ask(url: str, what: str, numbers: range) -> set[str]:
    """The numbers that were answered, each on a connection of its own, so that every process gets its share."""

    def answered(number: int) -> bool:
        retries = _AGAIN if what == "work" else False
        try:
            answer = urllib3.PoolManager().request(
                "GET", f"{url}/{what}/{number}", headers={"Connection": "close"}, retries=retries, timeout=10.0
            )
        except urllib3.exceptions.HTTPError:  # the server is at its end, and nobody took it
            return False
        return answer.status == 200

    with ThreadPoolExecutor(4) as threads:
        return {str(number) for number, is_done in zip(numbers, threads.map(answered, numbers), strict=True) if is_done}


def queued(pool: str, *options: str) -> Run:
    """A celery worker that finds its tasks in the queue and is told to end when it has done all."""

    def run(stage: Stage) -> set[str]:
        tasks = f"{_PROGRAMS}.tasks"
        assert stage.run(tasks, str(_COUNT)) == 0
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning"]
        with stage.running("celery", "--quiet", "-A", f"{tasks}:app", "worker", "--pool", pool, *options, *quiet) as process:
            broker = stage.folder / "broker"
            until(lambda: not list(broker.glob("*.msg")), timeout_s=20)
            assert stage.end(process) == 0
        return _all(_COUNT)

    return run


def ran(program: str, *arguments: str) -> Run:
    """A program that does all units and ends by itself."""

    def run(stage: Stage) -> set[str]:
        assert stage.run(f"{_PROGRAMS}.{program}", *arguments, str(_COUNT)) == 0
        return _all(_COUNT)

    return run


def reloaded(stage: Stage) -> set[str]:
    """uvicorn as it is developed with: a file of the application changes, and another process goes on."""
    watched = stage.folder / "watched"
    watched.mkdir()
    (watched / "changing.py").touch()
    reload = ["--reload", "--reload-dir", str(watched), "--reload-delay", "0.1"]
    with stage.running(*_UVICORN[:1], "--port", str(stage.port), "--log-level", "warning", *reload, f"{_WEB}:asgi") as process:
        url = f"http://127.0.0.1:{stage.port}"
        first = until(lambda: get(f"{url}/ready/0")[1], timeout_s=20)
        done = ask(url, "work", range(_COUNT // 2))
        later = time.time() + 10
        os.utime(watched / "changing.py", (later, later))
        until(lambda: get(f"{url}/ready/0")[1] not in {b"", first}, timeout_s=20)
        done |= ask(url, "work", range(_COUNT // 2, _COUNT))
        assert stage.end(process) == 0
    assert len(done) == _COUNT
    return done


def tested(stage: Stage) -> set[str]:
    plain = [
        "-c",
        os.devnull,
        "--rootdir",
        str(stage.folder),
        "--noconftest",
        "--import-mode",
        "importlib",
        "-p",
        "no:cacheprovider",
        "-q",
    ]
    assert stage.run("pytest", *plain, str(ROOT / "tests/e2e/lifecycle/programs/tested.py")) == 0
    return _all(_COUNT)


def frozen(stage: Stage) -> set[str]:
    """As AWS Lambda does it: stopped as soon as the answer is there, woken for the next event, killed in its sleep."""
    with stage.running(f"{_PROGRAMS}.function", stream=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(_COUNT // 4):
            process.stdin.write(f"{number}\n".encode())
            process.stdin.flush()
            assert process.stdout.readline() == f"done {number}\n".encode()
            process.send_signal(signal.SIGSTOP)
            assert stage.units().total() == sum(stage.counted().values()) == number + 1
            time.sleep(0.05)
            process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGSTOP)
        process.kill()
    return _all(_COUNT // 4)


def _all(count: int) -> set[str]:
    return {str(number) for number in range(count)}


# The settings of `programs/units.py` as variables, for programs in which a hook starts telemetry.
_HOOKED = {
    "UNITS_HOOKED": "1",
    "HELIOGRAPH_SERVICE_NAME": "units",
    "HELIOGRAPH_TRACING__EXPORTERS": "otlp",
    "HELIOGRAPH_METRICS__EXPORTERS": "prometheus,otlp",
    "HELIOGRAPH_LOGS__ENABLED": "false",
    "HELIOGRAPH_SERVER__PORT": "{port}",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "{endpoint}",
}
_OF_HYPERCORN = (r".* \[INFO\] Running on http://127.0.0.1:\d+ \(CTRL \+ C to quit\)",)
_OF_CELERY = (  # what it says to who runs it as root, as in a container, and without a host name
    r".*SecurityWarning: You're running the worker with superuser privileges: this is|absolutely not recommended!",
    r"Please specify a different user using the --uid option\.|User information: .*|  _warn_or_raise_security_error.*|",
    r".*No hostname was supplied\. Reverting to default 'localhost'",
)
_UVICORN = ("uvicorn", "--port", "{port}", "--log-level", "warning", "{web}:asgi")
_GRANIAN = ("granian", "--port", "{port}", "--log-level", "warning", "--interface")

_gunicorn = partial(
    served,
    *("gunicorn", "--bind", "127.0.0.1:{port}", "--no-control-socket", "--log-level", "warning", "--workers", "2"),
    "--worker-class",
)
_hypercorn = partial(served, "hypercorn", "--bind", "127.0.0.1:{port}", "{web}:asgi")
_Hypercorn = partial(Way, ordinary=_OF_HYPERCORN)
_Celery = partial(Way, ordinary=_OF_CELERY, ends_in_s=12.0)  # five of them are celery's own
_HOOKS = ("--config", "python:tests.e2e.lifecycle.programs.gunicorn_hooks")
_PATCHED = ("--config", "python:tests.e2e.lifecycle.programs.gunicorn_gevent")
_GEVENT_ENDS_IN_S = 8.0  # it looks up once a second whether it is to end, and whether it has

WAYS = (
    Way("gunicorn sync", _gunicorn("sync", "{web}:wsgi"), processes=2),
    Way("gunicorn sync, preloaded", _gunicorn("sync", "--preload", "{web}:wsgi"), processes=2),
    Way("gunicorn sync, recycled", _gunicorn("sync", "--max-requests", "5", "{web}:wsgi"), processes=3),
    Way(
        "gunicorn sync, preloaded, recycled", _gunicorn("sync", "--max-requests", "5", "--preload", "{web}:wsgi"), processes=3
    ),
    Way("gunicorn sync, hooked", _gunicorn("sync", *_HOOKS, "{web}:wsgi"), environ=_HOOKED),
    Way("gunicorn sync, hooked for nothing", _gunicorn("sync", *_HOOKS, "--preload", "{web}:wsgi")),
    Way("gunicorn gthread", _gunicorn("gthread", "--threads", "2", "{web}:wsgi")),
    Way("gunicorn gthread, preloaded", _gunicorn("gthread", "--threads", "2", "--preload", "{web}:wsgi")),
    Way("gunicorn gevent", _gunicorn("gevent", "{web}:wsgi"), ends_in_s=_GEVENT_ENDS_IN_S),
    Way("gunicorn gevent, preloaded", _gunicorn("gevent", "--preload", "{web}:wsgi"), ends_in_s=_GEVENT_ENDS_IN_S),
    Way(
        "gunicorn gevent, patched, preloaded, recycled",
        _gunicorn("gevent", *_PATCHED, "--preload", "--max-requests", "5", "{web}:wsgi"),
        ends_in_s=_GEVENT_ENDS_IN_S,
    ),
    Way("gunicorn gevent, hooked", _gunicorn("gevent", *_HOOKS, "{web}:wsgi"), environ=_HOOKED, ends_in_s=_GEVENT_ENDS_IN_S),
    Way("gunicorn ASGI", _gunicorn("asgi", "{web}:asgi")),
    Way("gunicorn ASGI, preloaded", _gunicorn("asgi", "--preload", "{web}:asgi")),
    Way("uvicorn", served(*_UVICORN, exit_codes=(-signal.SIGTERM,))),
    Way("uvicorn of two workers", served(*_UVICORN, "--workers", "2")),
    Way("uvicorn, reloaded", reloaded, processes=2, ordinary=(r"WARNING:  StatReload detected changes in .*",)),
    _Hypercorn("hypercorn", _hypercorn()),
    _Hypercorn("hypercorn of two workers", _hypercorn("--workers", "2")),
    _Hypercorn("hypercorn without workers", _hypercorn("--workers", "0")),
    Way("granian ASGI", served(*_GRANIAN, "asgi", "{web}:asgi")),
    Way("granian WSGI of two workers", served(*_GRANIAN, "wsgi", "--workers", "2", "{web}:wsgi")),
    _Celery("celery prefork, recycled", queued("prefork", "--concurrency", "2", "--max-tasks-per-child", "4"), processes=6),
    _Celery("celery prefork, hooked", queued("prefork", "--concurrency", "2"), processes=2, environ=_HOOKED),
    _Celery("celery solo", queued("solo")),
    _Celery("celery threads", queued("threads", "--concurrency", "2")),
    *(
        Way(f"multiprocessing {method}, {way}", ran("children", method, way), processes=4 if way == "process" else 2)
        for method, ways in (
            ("fork", ["process"]),
            ("spawn", ["process", "pool", "executor"]),
            ("forkserver", ["process", "pool"]),
        )
        for way in ways
    ),
    Way("a job", ran("single", "job")),
    Way("threads", ran("single", "threads")),
    Way("asyncio", ran("single", "asyncio")),
    Way("a notebook whose cell is run again", ran("notebook"), ordinary=(r"\[IPKernelApp\] .* without encryption\..*",)),
    Way("pytest", tested),
    Way("AWS Lambda", frozen),
)


def folder_of(way: Way, root: Path) -> Path:
    return root / re.sub(r"\W", "-", way.name)
