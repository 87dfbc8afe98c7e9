"""Trace ids travel as the propagators that the settings name have it."""

from __future__ import annotations

import pytest
from opentelemetry import baggage, context, propagate

from heliograph import TelemetryManager
from heliograph.errors import NotStartedError, SettingsError
from heliograph.recording.propagators import set_propagators
from tests.support.installed import installed_package
from tests.support.interpreter import run_script
from tests.support.recorded import QUIET, RECORDERS

PROPAGATOR = """
    class Mine:
        fields = {"x-mine"}

        def inject(self, carrier, context=None, setter=None):
            carrier["x-mine"] = "1"

        def extract(self, carrier, context=None, getter=None):
            return context
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    points = {"opentelemetry_propagator": {"mine": "mine_propagator:Mine", "broken": "mine_propagator:Missing"}}
    installed_package(tmp_path, "mine_propagator", PROPAGATOR, points)
    monkeypatch.syspath_prepend(tmp_path)


def injected() -> set[str]:
    carrier: dict[str, str] = {}
    propagate.inject(carrier, baggage.set_baggage("user", "1"))
    return set(carrier)


@pytest.mark.parametrize("recorder", RECORDERS)
def test_a_manager_lets_ids_travel_as_its_settings_say(start, recorder):
    telemetry = start(**QUIET, recorder=recorder, propagators=["tracecontext"])
    with telemetry.span("work"):
        assert injected() == {"traceparent"}


def test_without_the_setting_they_travel_as_before(start):
    before = propagate.get_global_textmap()
    start(**QUIET)
    assert propagate.get_global_textmap() is before


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        (["baggage"], {"baggage"}),
        (["tracecontext", "baggage"], {"baggage", "traceparent"}),
        (["baggage", "tracecontext", "baggage"], {"baggage", "traceparent"}),
        (["none"], set()),
        (["tracecontext", "none"], set()),
        ([], set()),
        (["tracecontext", "mine"], {"traceparent", "x-mine"}),
    ],
    ids=str,
)
def test_ids_travel_in_the_headers_of_the_named_propagators(start, mine, names, fields):
    telemetry = start(**QUIET, propagators=names)
    with telemetry.span("work"):
        assert injected() == fields


@pytest.mark.parametrize("names", [["none"], ["mine"]])
def test_what_comes_in_without_ids_makes_a_context_that_spans_can_begin_in(start, mine, names):
    telemetry = start(**QUIET, propagators=names)
    token = context.attach(propagate.extract({}))
    with telemetry.span("work"):
        pass
    context.detach(token)
    assert telemetry.force_flush()
    assert [span.name for span in telemetry.exporter("traces", "memory").items()] == ["work"]


def test_a_propagator_that_is_not_installed_is_a_fault_that_says_what_to_do():
    before = propagate.get_global_textmap()
    with pytest.raises(SettingsError) as caught:
        TelemetryManager.start("shop", propagators=["tracecontext", "b3", "tracecontxt"], **QUIET)
    said = [str(fault) for fault in caught.value.faults]
    assert [fault.path for fault in caught.value.faults] == ["propagators[1]", "propagators[2]"]
    assert "pip install opentelemetry-propagator-b3" in said[0]
    assert "tracecontext" in said[1]
    assert propagate.get_global_textmap() is before
    with pytest.raises(NotStartedError):
        TelemetryManager.current()


def test_a_propagator_that_cannot_be_loaded_is_a_fault_too(mine, caplog):
    with pytest.raises(SettingsError, match=r"propagators\[0\]: given 'broken'"):
        set_propagators(["broken"])
    assert "mine_propagator:Missing cannot be loaded" in caplog.text


def test_settings_without_propagators_load_nothing_to_look_for_them():
    out, _err = run_script("""
        import sys
        from heliograph import TelemetryManager
        TelemetryManager.start("shop", metrics={"exporters": []}, **QUIET).shutdown()
        print("opentelemetry.propagate" in sys.modules)
    """)
    assert out.split() == ["False"]
