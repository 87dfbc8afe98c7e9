"""What the settings of the system metrics accept: names of metrics that there are, and beginnings of them."""

import pytest

from heliograph.errors import SettingsError
from heliograph.settings import TelemetrySettings
from heliograph.settings.system import SystemSettings


def test_the_default_is_the_small_base_and_nothing_else() -> None:
    settings = SystemSettings()
    assert (settings.enabled, settings.base, settings.include, settings.exclude) == (True, "small", (), ())


@pytest.mark.parametrize("pattern", ["system.uptime", "system.*", "cpython.gc.*", "asyncio.event_loop.lag", "*"])
def test_names_and_beginnings_of_names_are_accepted(pattern: str) -> None:
    settings = SystemSettings(include=[pattern], exclude=[pattern])
    assert settings.include == settings.exclude == (pattern,)


@pytest.mark.parametrize(
    "pattern",
    ["system.cpu", "system.cpux.*", "system.*.io", "", "*io", "heliograph.system.failures", "SYSTEM.*", "llm.*"],
)
@pytest.mark.parametrize("name", ["include", "exclude"])
def test_a_name_that_no_metric_has_is_a_fault_that_lists_what_there_is(name: str, pattern: str) -> None:
    with pytest.raises(SettingsError) as raised:
        SystemSettings(**{name: ["system.cpu.time", pattern]})
    (fault,) = raised.value.faults
    assert fault.path == f"{name}[1]"
    assert fault.given == repr(pattern)
    if pattern:
        assert all(known in fault.expected for known in ("system.uptime", "process.start_time", "asyncio.event_loop.lag"))


def test_a_base_that_there_is_not_is_a_fault() -> None:
    with pytest.raises(SettingsError, match="one of 'small' or 'full'"):
        SystemSettings(base="tiny")


def test_faults_are_said_with_their_place_in_all_settings() -> None:
    with pytest.raises(SettingsError, match=r"system\.include\[0\]"):
        TelemetrySettings(system={"base": "full", "include": ["nothing"]})
