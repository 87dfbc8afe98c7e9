"""The two names of a metric in Prometheus, and those of labels."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.prometheus import _mapping as official

from heliograph.catalog.metric import Kind
from heliograph.catalog.translate import label_name, metric_name, otlp_name, pull_name, unit_word

NAMES = st.one_of(st.text(), st.text("aZ09_.:-/ é%$"), st.sampled_from(["", "_", "__name__", "total", "_total", "le", "1"]))
UNITS = st.one_of(
    st.text(),
    st.text("sm1By/{}% _"),
    st.sampled_from(["s", "By", "1", "%", "{a}/s", "By/s", "m/m", "1/h", "/", "/{x}", "{USD}"]),
)
KINDS = st.sampled_from(get_args(Kind))
METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@given(NAMES, UNITS, KINDS)
def test_every_name_is_one_that_prometheus_allows(name, unit, kind):
    assert METRIC_NAME.fullmatch(pull_name(name, unit, kind))
    assert METRIC_NAME.fullmatch(otlp_name(name, unit, kind))
    assert METRIC_NAME.fullmatch(metric_name(name))


@given(NAMES)
def test_every_label_has_a_name_that_prometheus_allows_and_does_not_keep_for_itself(key):
    assert LABEL_NAME.fullmatch(label_name(key))
    assert not label_name(key).startswith("__")


@given(NAMES, UNITS)
def test_names_units_and_labels_are_those_of_the_official_exporter(name, unit):
    assert metric_name(name) == (official.sanitize_full_name(name) or "_")
    assert label_name(name) == (official.sanitize_attribute(name) or "_")
    assert unit_word(unit) == official.map_unit(unit)


@given(NAMES, UNITS, KINDS)
def test_total_stands_at_the_end_of_counters_once_and_unit_before_it(name, unit, kind):
    found = pull_name(name, unit, kind)
    if kind == "counter":
        assert found.endswith("_total")
        found = found.removesuffix("_total")
    word = unit_word(unit)
    assert not word or found.endswith(f"_{word}")


@pytest.mark.parametrize(
    ("name", "unit", "kind", "pulled", "received"),
    [
        ("http.server.request.duration", "s", "histogram", *2 * ("http_server_request_duration_seconds",)),
        ("llm.cost.usd", "{USD}", "counter", *2 * ("llm_cost_usd_total",)),
        ("cache.hits", "{hit}", "counter", *2 * ("cache_hits_total",)),
        ("requests_total", "", "counter", *2 * ("requests_total",)),
        ("cpu.seconds_total", "s", "counter", *2 * ("cpu_seconds_total",)),
        ("worker.utilization", "1", "gauge", "worker_utilization", "worker_utilization_ratio"),
        ("error.ratio", "1", "gauge", "error_ratio", "error_ratio"),
        ("ratio.of.errors", "1", "gauge", "ratio_of_errors", "of_errors_ratio"),
        ("share", "1", "up_down_counter", "share", "share"),
        ("parts", "1", "counter", "parts_total", "parts_total"),
        ("encoding.speed", "{frame}/s", "gauge", "encoding_speed_per_second", "encoding_speed_per_second"),
        ("network.io", "By/s", "gauge", "network_io_bytes_per_second", "network_io_bytes_per_second"),
        ("bytes.sent", "By", "counter", "bytes_sent_bytes_total", "bytes_sent_total"),
        ("total.bytes", "By", "counter", "total_bytes_total", "bytes_total"),
        ("3d.models", "", "gauge", "_d_models", "_3d_models"),
        ("queue..size__", "", "gauge", "queue_size_", "queue_size"),
        ("a:b", "", "gauge", "a:b", "a:b"),
        ("temperature", "Cel", "gauge", "temperature_celsius", "temperature_celsius"),
        ("odd", "a.b/c d", "gauge", "odd_a_b_per_c_d", "odd_a_b_per_c_d"),
        ("odd", " s / {x} ", "gauge", "odd__s__per__", "odd_seconds"),
        ("", "", "gauge", "_", "_"),
        ("é", "", "counter", "__total", "total"),
    ],
)
def test_a_metric_is_called(name, unit, kind, pulled, received):
    assert (pull_name(name, unit, kind), otlp_name(name, unit, kind)) == (pulled, received)
