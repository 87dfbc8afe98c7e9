"""The pytest plugin, in runs of pytest of their own: the fixture, what a failure shows, and that nothing is on without it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from _pytest.config import get_config

from heliograph.testing import plugin

pytest_plugins = ["pytester"]

PASSING = """
from opentelemetry import trace

from heliograph import TelemetryManager

shop = TelemetryManager.start("shop", preset="production", server={"port": 9464})
orders = shop.counter("orders")
tracer = trace.get_tracer("shop")


@shop.trace
def take_order(item):
    with tracer.start_as_current_span("check stock"):
        orders.add(1, {"item": item})
    shop.event("order.placed", item=item)


def test_with_the_fixture(telemetry):
    take_order("lamp")
    assert telemetry.spans.names == ["check stock", "shop_test.take_order"]
    assert telemetry.counter("orders").where(item="lamp").total == 1
    assert telemetry.events["order.placed"].attributes == {"item": "lamp"}
    assert TelemetryManager.current() is TelemetryManager.start("another") is telemetry


def test_again_from_zero(telemetry):
    assert not telemetry.spans
    take_order("chair")
    assert telemetry.counter("orders").total == 1
    assert telemetry.spans["check stock"].span_id == 2


def test_with_nothing_it_is_off():
    take_order("lamp")
    assert not shop.is_enabled
    assert shop.endpoint_url is None
    assert TelemetryManager.current() is shop


def test_with_the_fixture_once_more(telemetry):
    take_order("table")
    assert telemetry.counter("orders").where(item="table").total == telemetry.counter("orders").total == 1


class TestInAClass:
    def test_in_a_method(self, telemetry):
        take_order("bed")
        assert telemetry.spans["shop_test.take_order"].children[0].name == "check stock"
"""

FAILING = """
def test_fails(telemetry):
    with telemetry.span("take order", attributes={"order.id": 7}), telemetry.span("check stock"):
        telemetry.counter("orders").add(1)
    assert telemetry.spans["take order"].duration_s == 1


def test_names_nothing(telemetry):
    with telemetry.span("take order"):
        pass
    telemetry.spans["take_order"]


def test_fails_without():
    assert False
"""


@pytest.fixture
def no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for somebody else's tests: nobody has asked for telemetry under pytest."""
    monkeypatch.delenv("HELIOGRAPH_ENABLED")


@pytest.mark.usefixtures("no_wish")
@pytest.mark.parametrize("options", [[], ["-p", "no:randomly"]])
def test_an_application_is_tested_with_the_fixture_and_off_without(pytester: pytest.Pytester, options: list[str]) -> None:
    pytester.makepyfile(shop_test=PASSING)
    ended = pytester.runpytest_subprocess("-W", "error", *options)
    ended.assert_outcomes(passed=5)


@pytest.mark.usefixtures("no_wish")
def test_a_failure_shows_what_was_recorded(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FAILING)
    ended = pytester.runpytest_subprocess("-p", "no:randomly")
    ended.assert_outcomes(failed=3)
    ended.stdout.fnmatch_lines(
        [
            "*test_fails*",
            "*Recorded telemetry*",
            "Recorded spans:",
            "  take order order.id=7",
            "    check stock",
            "Metrics:",
            "  orders 1",
            "*test_names_nothing*",
            "E*LookupError: no spans are named 'take_order', expected one. Recorded spans:",
            "E*take order",
            "*Recorded telemetry*",
        ]
    )
    text = ended.stdout.str()
    assert text.count("Recorded telemetry") == 2  # the third test has captured nothing
    assert "named.py" not in text


def test_a_fixture_of_that_name_in_a_project_comes_first(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import pytest\n\n@pytest.fixture\ndef telemetry():\n    return 'ours'\n")
    pytester.makepyfile("def test_it(telemetry):\n    assert telemetry == 'ours'\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_fixture_is_listed_with_what_it_does(pytester: pytest.Pytester) -> None:
    ended = pytester.runpytest_subprocess("--fixtures")
    ended.stdout.fnmatch_lines(
        ["telemetry*heliograph/testing/plugin.py*", "*A manager that keeps what the code under test records*"]
    )


def test_the_plugin_loads_neither_the_recorder_nor_a_capture() -> None:
    script = """
        import sys
        import heliograph
        before = set(sys.modules)
        import heliograph.testing.plugin
        print(sorted(name for name in set(sys.modules) - before if name.startswith(("heliograph", "opentelemetry"))))
    """
    command = [sys.executable, "-W", "error", "-c", "\n".join(line.strip() for line in script.splitlines())]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert out == "['heliograph.testing', 'heliograph.testing.plugin']\n"


def test_it_says_that_pytest_runs_where_an_older_pytest_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_VERSION")
    config = get_config()
    plugin.pytest_load_initial_conftests(config)
    assert os.environ["PYTEST_VERSION"] == pytest.__version__
    config._ensure_unconfigure()
    assert "PYTEST_VERSION" not in os.environ


def test_it_leaves_what_pytest_says_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_VERSION", "9.0")
    config = get_config()
    plugin.pytest_load_initial_conftests(config)
    config._ensure_unconfigure()
    assert os.environ["PYTEST_VERSION"] == "9.0"
