"""The pytest plugin: the fixture ``telemetry``, what it recorded in the report of a test that failed, a sign that pytest runs.

pytest finds it by its entry point, in every run where heliograph is installed; what the fixture needs is loaded by its first
use.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

from heliograph.text import described

if TYPE_CHECKING:
    from heliograph.testing.telemetry import CapturedTelemetry

_SUITES: Final = {"heliograph.testing.exporters", "heliograph.testing.checks"}

# Their assertions say what was compared, unless they are loaded already, as in a program that starts pytest itself.
pytest.register_assert_rewrite(*_SUITES - sys.modules.keys())

_RUNNING: Final = "PYTEST_VERSION"  # read where telemetry is switched off under pytest, and inherited by what a test starts

_KEPT: Final = pytest.StashKey["CapturedTelemetry"]()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Say that pytest runs, as pytest itself does since 8.2."""
    if _RUNNING not in os.environ:
        os.environ[_RUNNING] = pytest.__version__
        early_config.add_cleanup(_say_no_more)


def _say_no_more() -> None:
    os.environ.pop(_RUNNING, None)


@pytest.fixture
def telemetry(request: pytest.FixtureRequest) -> Iterator[CapturedTelemetry]:
    """A manager that keeps what the code under test records: spans, logs, events, metrics, on a clock that the test sets."""
    from heliograph.testing.capture import captured  # noqa: PLC0415  # loaded by who uses it, not by every run of pytest

    with captured() as found:
        request.node.stash[_KEPT] = found
        yield found
        del request.node.stash[_KEPT]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Show what was recorded below the failure of a test that captured."""
    report = yield
    found = item.stash.get(_KEPT, None)
    if found is not None and report.failed:
        try:
            report.sections.append(("Recorded telemetry", found.shown()))
        except Exception as error:  # whatever is in the way, the run of pytest is worth more
            report.sections.append(("Recorded telemetry", f"cannot be shown: {described(error)}"))
    return report
