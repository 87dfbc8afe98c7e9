"""A running manager has the system metrics that its settings select, under their names and, on request, the older ones."""

import asyncio
import re
from collections.abc import Callable

import httpx
import pytest

from heliograph import TelemetryManager
from tests.support.recorded import RECORDERS

_HEALTH_OFF = {"enabled": False}


def _families(telemetry: TelemetryManager) -> set[str]:
    text = httpx.get(f"{telemetry.endpoint_url}/metrics").text
    return set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))


@pytest.fixture(params=RECORDERS)
def recorder(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_selection_is_that_of_the_settings(start: Callable[..., TelemetryManager], recorder: str) -> None:
    system = {"base": "small", "include": ["system.uptime"], "exclude": ["system.network.*", "cpython.*"]}
    families = _families(start(recorder=recorder, system=system, health=_HEALTH_OFF))
    assert families >= {"system_uptime_seconds", "system_cpu_time_seconds_total", "process_start_time_seconds"}
    assert families >= {"heliograph_system_collection_duration_seconds"}
    assert not {name for name in families if name.startswith(("system_network_", "cpython_"))}


def test_a_rule_in_the_older_names_finds_its_two_sides(start: Callable[..., TelemetryManager], recorder: str) -> None:
    metrics = {"exporters": ["prometheus"], "legacy_names": True}
    telemetry = start(recorder=recorder, metrics=metrics, health=_HEALTH_OFF)
    text = httpx.get(f"{telemetry.endpoint_url}/metrics").text
    sides = [
        re.findall(rf"^{name}(\S*) ", text, re.MULTILINE)
        for name in ("system_disk_available_bytes", "system_disk_usage_bytes")
    ]
    assert sides[0] == sides[1] != []
    assert re.search(r"^system_memory_available_bytes \d", text, re.MULTILINE)
    assert re.search(r"^system_memory_usage_bytes \d", text, re.MULTILINE)
    assert re.search(r'^system_network_bytes_sent\{network_interface_name="lo"\} \d', text, re.MULTILINE)


def test_the_lag_of_a_watched_loop_is_shown(start: Callable[..., TelemetryManager], recorder: str) -> None:
    telemetry = start(recorder=recorder, health=_HEALTH_OFF)

    async def run() -> None:
        telemetry._assembly.watch_event_loop()
        await asyncio.sleep(0.6)

    asyncio.run(run())
    text = httpx.get(f"{telemetry.endpoint_url}/metrics").text
    assert re.search(r"^asyncio_event_loop_lag_seconds_count\S* 1(\.0)?$", text, re.MULTILINE)
    assert re.search(r'^asyncio_event_loop_lag_seconds_bucket\{.*le="0\.25".*\} ', text, re.MULTILINE)


def test_with_the_section_off_there_are_none_and_watching_a_loop_does_nothing(start: Callable[..., TelemetryManager]) -> None:
    telemetry = start(system={"enabled": False}, health=_HEALTH_OFF)
    telemetry._assembly.watch_event_loop()
    assert not {name for name in _families(telemetry) if name.startswith(("system_", "cpython_", "asyncio_"))}
