"""system-metrics. Two processes measure different values, so that what is compared is what is measured."""

from __future__ import annotations

from typing import Any

from tests.instrumentations.comparison import equal_on_both
from tests.instrumentations.normal import Recorded

# Its attribute sets are the states of the connections that this machine happens to have.
BY_CONNECTION = "system.network.connections"


def without_values(recorded: Recorded) -> dict[str, Any]:
    return {
        name: {
            **{key: value for key, value in metric.items() if key != "points"},
            "types": sorted({point["type"] for point in metric["points"]}),
            "keys": sorted({key for point in metric["points"] for key in point["attributes"]}),
            "sets": [point["attributes"] for point in metric["points"]] if name != BY_CONNECTION else "by chance",
        }
        for name, metric in recorded.metrics.items()
    }


def test_the_machine_and_the_process_are_observed() -> None:
    recorded = equal_on_both("system_metrics", view=without_values)
    shapes = recorded.metric_shapes()
    assert len(shapes) > 20
    assert {name: shapes[name] for name in ("system.cpu.time", "system.memory.usage", "process.memory.usage")} == {
        "system.cpu.time": ("sum", "s"),
        "system.memory.usage": ("gauge", "By"),
        "process.memory.usage": ("sum", "By"),
    }
    assert shapes["system.cpu.utilization"][0] == "gauge"
    (memory,) = recorded.metrics["process.memory.usage"]["points"]
    assert memory["value"] > 10_000_000
    states = {point["attributes"]["state"] for point in recorded.metrics["system.cpu.time"]["points"]}
    assert {"idle", "user", "system"} <= states
