"""Instrumented exporters do not trace themselves."""

from __future__ import annotations

import pytest

from tests.instrumentations.comparison import equal_on_both


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_exports_leave_no_spans_log_records_or_metrics_of_the_clients_that_they_use(protocol: str) -> None:
    recorded = equal_on_both("exporting", protocol=protocol)
    assert recorded.facts["flushed"] == [True, True, True]
    assert set(recorded.facts["instrumented"]) == {True}
    assert recorded.outline() == ["work INTERNAL", "  step 0 INTERNAL", "  step 1 INTERNAL", "  step 2 INTERNAL"]
    assert [(log["body"], log["span"]) for log in recorded.logs] == [(f"step {n}", f"step {n}") for n in range(3)]
    assert recorded.metrics == {}
