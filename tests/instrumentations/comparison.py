"""Runs a scenario on both recorders, side by side, and gives what they recorded when it is the same.

Called by the tests of this folder. Starts ``runner.py`` twice, each with an OTLP receiver of its own in this process.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

from tests.instrumentations.normal import Recorded, normal
from tests.support.interpreter import own_environment
from tests.support.otlp_receiver import OtlpReceiver, grpc_receiver, http_receiver

RECORDERS = ("opentelemetry-sdk", "native")

# Where the providers of each are from: two runs on the same recorder would agree on anything.
_PACKAGES = {"opentelemetry-sdk": "opentelemetry.sdk.", "native": "heliograph.recording."}

_TIMEOUT_S = 60.0
_ROOT = Path(__file__).parents[2]
_RECEIVERS: Mapping[str, Callable[[], AbstractContextManager[OtlpReceiver]]] = {"http": http_receiver, "grpc": grpc_receiver}

# A plugin of a package that is here only for the benchmarks; it costs every process that imports pydantic 0.15 s.
_ENVIRONMENT = {"PYDANTIC_DISABLE_PLUGINS": "__all__"}


@dataclass
class _Run:
    """A scenario under way on one recorder."""

    scenario: str
    recorder: str
    receiver: OtlpReceiver
    process: subprocess.Popen[str]

    def recorded(self) -> Recorded:
        out, err = self.process.communicate(timeout=_TIMEOUT_S)
        assert self.process.returncode == 0, (
            f"{self.scenario} on {self.recorder} ended with {self.process.returncode}\n{out}\n{err}"
        )
        said = json.loads(out.rstrip().rsplit("\n", 1)[-1])
        assert all(module.startswith(_PACKAGES[self.recorder]) for module in said["recorder"]), said["recorder"]
        return normal([(signal, message) for signal, _headers, message in self.receiver.requests], said["facts"])


def equal_on_both(
    scenario: str,
    *,
    arguments: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    protocol: str = "http",
    view: Callable[[Recorded], Any] = lambda recorded: recorded,
) -> Recorded:
    """Run ``scenario`` on both recorders, fail unless both recorded the same, and return that.

    ``arguments`` has an argument for each recorder, for what they must not share. ``view`` says what of it is compared,
    where not all can be the same in two runs.
    """
    official, native = _both(
        scenario,
        tuple((arguments or {}).get(recorder, "") for recorder in RECORDERS),
        tuple((environ or {}).items()),
        protocol,
    )
    expected, found = (json.dumps(_plain(view(recorded)), indent=1, sort_keys=True) for recorded in (official, native))
    assert found == expected, "the recorders differ\n" + "\n".join(
        unified_diff(expected.splitlines(), found.splitlines(), *RECORDERS, lineterm="", n=12)
    )
    return copy.deepcopy(native)


@functools.cache  # a scenario is one program with one outcome, which several tests look at
def _both(
    scenario: str, arguments: tuple[str, ...], environ: tuple[tuple[str, str], ...], protocol: str
) -> tuple[Recorded, ...]:
    with contextlib.ExitStack() as open_runs:
        runs = [
            open_runs.enter_context(_running(scenario, recorder, protocol, argument, dict(environ)))
            for recorder, argument in zip(RECORDERS, arguments, strict=True)
        ]
        return tuple(run.recorded() for run in runs)


@contextlib.contextmanager
def _running(scenario: str, recorder: str, protocol: str, argument: str, environ: Mapping[str, str]) -> Iterator[_Run]:
    command = [sys.executable, "-m", "tests.instrumentations.runner", scenario, recorder]
    with (
        _RECEIVERS[protocol]() as receiver,
        subprocess.Popen(
            [*command, receiver.url, protocol, argument],
            cwd=_ROOT,
            env=own_environment({**_ENVIRONMENT, **environ}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            yield _Run(scenario, recorder, receiver, process)
        finally:
            if process.poll() is None:
                process.kill()


def _plain(value: Any) -> Any:
    return value.as_json() if isinstance(value, Recorded) else value
