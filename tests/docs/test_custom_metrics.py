"""What docs/custom-metrics.md says in tables and lists."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from heliograph import TelemetryManager
from heliograph.catalog.catalogue import BUILTIN
from heliograph.catalog.translate import pull_name
from tests.support.recorded import delivered, points_of

PAGE = (Path(__file__).parents[2] / "docs" / "custom-metrics.md").read_text()


def test_the_table_of_names_shows_what_metrics_are_called() -> None:
    table = PAGE.split("| instrument | unit | on `/metrics` |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| ([a-z -]+) `([\w.]+)` \| `([^`]+)` \| `(\w+)`", table, re.MULTILINE)
    assert len(rows) == 5
    for kind, name, unit, shown in rows:
        assert pull_name(name, unit, re.sub("[ -]", "_", kind)) == shown.removesuffix("_bucket")


# What is set, by the place in the page's list that says whose bounds hold.
_VIEW = {"views": [{"instrument": "shop.packing.duration", "buckets": [1]}]}
_ROW = {"catalogue": [{"name": "shop.packing.duration", "kind": "histogram", "unit": "s", "buckets": [3]}]}
_EVERYWHERE = {"aggregation": {"histogram_buckets": [4]}}


@pytest.mark.parametrize(
    ("metrics", "given", "expected"),
    [
        ({**_VIEW, **_ROW, **_EVERYWHERE}, [2], (1,)),
        ({**_ROW, **_EVERYWHERE}, [2], (2,)),
        ({**_ROW, **_EVERYWHERE}, None, (3,)),
        (_EVERYWHERE, None, (4,)),
    ],
    ids=["view", "code", "row", "aggregation"],
)
def test_the_first_of_the_list_gives_the_buckets(
    start: Callable[..., TelemetryManager], metrics: dict[str, object], given: list[float] | None, expected: tuple[float, ...]
) -> None:
    telemetry = start(metrics={"exporters": ["memory"], **metrics})
    telemetry.histogram("shop.packing.duration", unit="s", buckets=given).record(0.5)
    (point,) = points_of(delivered(telemetry, "metrics")[-1])["shop.packing.duration"].values()
    assert point.explicit_bounds == expected


def test_heliographs_own_rows_come_before_the_bounds_for_a_unit(start: Callable[..., TelemetryManager]) -> None:
    telemetry = start(metrics={"exporters": ["memory"]})
    for name in ("gen_ai.client.operation.duration", "shop.packing.duration"):
        telemetry.histogram(name, unit="s").record(0.5)
    points = points_of(delivered(telemetry, "metrics")[-1])
    (own,), (other,) = (points[name].values() for name in ("gen_ai.client.operation.duration", "shop.packing.duration"))
    assert own.explicit_bounds == BUILTIN.get("gen_ai.client.operation.duration").buckets
    assert own.explicit_bounds != other.explicit_bounds
