"""What all bridges share: whom they send to, and that the place is looked up anew when another manager runs."""

from __future__ import annotations

import pytest

from heliograph.integrations.bridge import Bridge
from heliograph.recording.logs.severity import SEVERITY_BY_NAME
from tests.support.recorded import QUIET, delivered


def emit(bridge, body):
    bridge.emit("app", created_ns=1, severity=SEVERITY_BY_NAME["INFO"], body=body, attributes={})


def test_a_given_provider_takes_the_records(kept):
    emit(Bridge(kept.provider), "x")
    assert kept.only.body == "x"


def test_no_manager_means_no_record_and_no_error():
    bridge = Bridge(None)
    emit(bridge, "x")
    assert bridge.handler() is None


def test_each_running_manager_has_a_handler_of_its_own(start):
    bridge = Bridge(None)
    first = start(**QUIET)
    handler = bridge.handler()
    assert bridge.handler() is handler
    first.shutdown()
    second = start(**QUIET)
    emit(bridge, "x")
    assert bridge.handler() is not handler
    assert [item.log_record.body for item in delivered(second, "logs")] == ["x"]


@pytest.mark.parametrize("target", ["app", 5, object])
def test_a_target_of_another_kind_is_refused_at_once(target):
    with pytest.raises(TypeError, match="expected a TelemetryManager"):
        Bridge(target)
