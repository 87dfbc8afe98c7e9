"""Names and values that nobody can have meant arrive in a real Prometheus, as they were or repaired as documented."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heliograph import TelemetryManager
from tests.support.processes import get
from tests.support.prometheus_server import TEXT, asking_for, prometheus_server
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

JOBS = ("text", "openmetrics")

# What was recorded and what Prometheus stores; an empty label is none to it.
VALUES: dict[str, tuple[Any, str]] = {
    "newline": ("a\nb\n", "a\nb\n"),
    "quote": ('"', '"'),
    "quotes": ('a="b",c="d"', 'a="b",c="d"'),
    "backslash": ("\\", "\\"),
    "backslash n": ("\\n", "\\n"),
    "backslash at the end": ("a\\\\\\", "a\\\\\\"),
    "carriage return": ("a\rb\r\n", "a\rb\r\n"),
    "tab": ("\t", "\t"),
    "a sample": ('"} 1\nevil_total{x="', '"} 1\nevil_total{x="'),
    "an exemplar": ('} 1 # {a="b"} 1', '} 1 # {a="b"} 1'),
    "the end": ("\n# EOF\n", "\n# EOF\n"),
    "line separators": ("\u2028\u2029\x85\x0b\x0c\x1c", "\u2028\u2029\x85\x0b\x0c\x1c"),
    "control characters": ("\x01\x1f\x7f", "\x01\x1f\x7f"),
    "beyond the first plane": ("🛰 " * 3, "🛰 " * 3),
    "byte order mark": ("\ufeff", "\ufeff"),
    "megabyte": ("x" * 1_000_000, "x" * 1_000_000),
    "megabyte of quotes": ('"\n' * 500_000, '"\n' * 500_000),
    "empty": ("", ""),
    "nul": ("a\0b", "a\ufffdb"),
    "lone surrogate": ("a\ud800b", "a?b"),
    "surrogates": ("\udfff\ud800", "??"),
    "bool": (True, "true"),
    "float": (1.5, "1.5"),
    "list": (["a", '"'], '["a", "\\""]'),
}

# The key of an attribute, and the label that it becomes.
KEYS = {
    "a.b-c/d": "a_b_c_d",
    "1st": "_st",
    "größe": "gr_e",
    "__name__": "_name_",
    "a b": "a_b",
    'quote"': "quote_",
    "new\nline": "new_line",
    "nul\0": "nul_",
    "surrogate\ud800": "surrogate_",
    "job": "exported_job",  # Prometheus itself renames what it sets
    "k" * 5000: "k" * 5000,
    "le": "le",
}

NAMES = {
    "a.b": "a_b_total",
    "c/d-e": "c_d_e_total",
    "d..f__g.": "d_f_g__total",
    "total": "total_total",
    "le": "le_total",
    "x.total": "x_total",
    "y" * 255: "y" * 255 + "_total",
}


def _record(telemetry: TelemetryManager) -> None:
    values, keys = telemetry.counter("hostile.values"), telemetry.counter("hostile.keys")
    for number, (case, (value, _stored)) in enumerate(VALUES.items(), 1):
        values.add(number, {"case": case, "value": value})
        if len(str(value)) < 1000:  # each of its buckets repeats it
            telemetry.histogram("hostile.durations", unit="s").record(number, {"case": case, "le": value})
    for number, key in enumerate(KEYS, 1):
        keys.add(1, {"case": str(number), key: "some"})
    for number, name in enumerate(NAMES, 1):
        telemetry.counter(name).add(number)


def test_hostile_names_and_values_arrive_as_they_were_or_repaired(
    start: Callable[..., TelemetryManager], recorder: str, tmp_path: Path
) -> None:
    telemetry = start(
        recorder=recorder, tracing={"exporters": []}, logs={"exporters": []}, metrics={"exporters": ["prometheus"]}
    )
    url = telemetry.endpoint_url
    assert url is not None
    with telemetry.span("hostile"):  # so that there are exemplars
        _record(telemetry)
    assert get(f"{url}/metrics")[0] == 200
    with (
        asking_for(TEXT, url) as as_text,
        prometheus_server(tmp_path, {"text": as_text.url, "openmetrics": url}, features=["exemplar-storage"]) as server,
    ):
        until(lambda: set(server.values("sum_over_time(up[1m]) >= 2", by="job")) == set(JOBS), timeout_s=30)
        for job in JOBS:
            stored = {found["case"]: found.get("value", "") for found in server.labels(f'hostile_values_total{{job="{job}"}}')}
            assert stored == {case: as_stored for case, (_value, as_stored) in VALUES.items()}
            numbers = server.values(f'hostile_values_total{{job="{job}"}}', by="case")
            assert numbers == {case: number for number, case in enumerate(VALUES, 1)}
            in_histogram = server.labels(f'hostile_durations_seconds_bucket{{job="{job}",le="+Inf"}}')
            assert {found["case"]: found.get("exported_le", "") for found in in_histogram} == {
                case: as_stored for case, as_stored in stored.items() if len(as_stored) < 1000
            }
            for number, label in enumerate(KEYS.values(), 1):
                labels = server.labels(f'hostile_keys_total{{job="{job}",case="{number}"}}')
                assert labels == [{"case": str(number), label: "some"}]
            for number, name in enumerate(NAMES.values(), 1):
                assert server.value(f'{name}{{job="{job}"}}') == number
            assert server.results(f'evil_total{{job="{job}"}}') == []
        assert server.values("min_over_time(up[5m])", by="job") == dict.fromkeys(JOBS, 1)
        wrong = server.what_went_wrong()
        assert wrong.pop("counters") > 5
        assert wrong == {}
