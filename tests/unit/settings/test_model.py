"""Settings are validated once, frozen, comparable; the configurations of system B are accepted as they are."""

import copy
import json
import pickle
from datetime import timedelta
from typing import Any

import pytest

from heliograph.errors import SettingsError
from heliograph.settings import TelemetrySettings, differences
from heliograph.settings.exporters import ConsoleExporter, FileExporter, JaegerExporter, PrometheusExporter
from tests.support.system_b import DOCUMENTS


def _configured(preset: str) -> TelemetrySettings:
    return TelemetrySettings(**json.loads(DOCUMENTS[preset])["telemetry"])


@pytest.mark.parametrize("preset", DOCUMENTS)
def test_a_configuration_of_system_b_means_the_same_as_its_preset(preset: Any) -> None:
    configured, built_in = _configured(preset), TelemetrySettings(preset=preset)
    differing = {line.split(":")[0] for line in differences(configured, built_in)}
    # Names are the deployment's own, and so are the addresses among the exporters, compared below.
    assert differing <= {"service_name", "service_version", "preset", "tracing.exporters", "metrics.exporters"}


@pytest.mark.parametrize("preset", DOCUMENTS)
def test_a_configuration_of_system_b_is_accepted_with_its_top_key(preset: str) -> None:
    assert TelemetrySettings(**json.loads(DOCUMENTS[preset])) == _configured(preset)


def test_the_exporters_of_system_b_are_read() -> None:
    development, production, high_load = (_configured(preset) for preset in ("development", "production", "high_load"))
    assert development.tracing.exporters == (ConsoleExporter(), FileExporter(path="./logs/traces.json"))
    assert development.metrics.exporters == (ConsoleExporter(), FileExporter(path="./logs/metrics.json"))
    assert production.tracing.exporters == (JaegerExporter(endpoint="http://jaeger-collector:14268/api/traces"),)
    assert production.metrics.exporters == (PrometheusExporter(port=9090, path="/metrics"),)
    jaeger = JaegerExporter(endpoint="http://jaeger-cluster:14268/api/traces", compression="gzip")
    assert high_load.tracing.exporters == (jaeger,)
    assert high_load.metrics.exporters == (PrometheusExporter(port=9090, path="/metrics", enable_compression=True),)


def test_the_defaults_are_valid_and_serve_on_loopback_only() -> None:
    settings = TelemetrySettings()
    assert (settings.server.host, settings.server.port, settings.server.metrics_path) == ("127.0.0.1", 9464, "/metrics")
    assert settings.metrics.exporters == (PrometheusExporter(),)
    assert settings.tracing.exporters == settings.logs.exporters == ()
    assert settings.delivery.shutdown_timeout == timedelta(seconds=5)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost"])
def test_a_loopback_host_needs_no_permission(host: str) -> None:
    assert TelemetrySettings(server={"host": host}).server.host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "example.org", "127.0.0.1.example.org"])
def test_a_host_open_to_others_needs_permission(host: str) -> None:
    with pytest.raises(SettingsError) as caught:
        TelemetrySettings(server={"host": host})
    assert [fault.path for fault in caught.value.faults] == ["server.allow_unauthenticated"]
    assert TelemetrySettings(server={"host": host, "allow_unauthenticated": True}).server.host == host


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_a_metrics_path_that_would_hide_a_health_path_is_a_fault(path: str) -> None:
    with pytest.raises(SettingsError, match=r"server\.metrics_path"):
        TelemetrySettings(server={"metrics_path": path})


@pytest.mark.parametrize(
    ("buckets", "is_accepted"),
    [
        ([1], True),
        ([-1.5, 0, 2], True),
        ([], False),
        ([1, 1], False),
        ([2, 1], False),
        ([1, float("nan")], False),
        ([float("nan")], False),
        ([1, float("inf")], False),
        ([True, 2], False),
    ],
)
def test_histogram_buckets_are_finite_numbers_in_ascending_order(buckets: list[float], is_accepted: bool) -> None:
    def build() -> TelemetrySettings:
        return TelemetrySettings(metrics={"aggregation": {"histogram_buckets": buckets}})

    if is_accepted:
        assert build().metrics.aggregation.histogram_buckets == tuple(buckets)
    else:
        with pytest.raises(SettingsError, match=r"metrics\.aggregation\.histogram_buckets"):
            build()


def test_settings_cannot_be_changed() -> None:
    settings = TelemetrySettings()
    with pytest.raises(AttributeError):
        settings.service_name = "other"
    with pytest.raises(AttributeError):
        settings.tracing.sample_rate = 0.5


def test_settings_keep_no_hold_on_what_they_were_given() -> None:
    resource, exporters = {"team": "payments"}, ["console"]
    settings = TelemetrySettings(resource=resource, tracing={"exporters": exporters})
    resource["team"] = "other"
    exporters.append("memory")
    assert settings.resource["team"] == "payments"
    assert settings.tracing.exporters == (ConsoleExporter(),)


def test_a_resource_keeps_the_type_of_each_value() -> None:
    resource = {"a": "1", "b": True, "c": 1, "d": 1.5}
    assert list(map(repr, TelemetrySettings(resource=resource).resource.values())) == ["'1'", "True", "1", "1.5"]


def test_settings_survive_copying_and_pickling() -> None:
    settings = TelemetrySettings(
        preset="high_load", resource={"a": 1}, logs={"exporters": [{"type": "otlp", "headers": {"k": "v"}}]}
    )
    assert copy.deepcopy(settings) == settings
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_the_prometheus_exporter_overrides_port_and_path_of_the_server() -> None:
    entry = {"Prometheus": {"port": 0, "path": "/own"}}
    settings = TelemetrySettings(server={"port": 1234, "metrics_path": "/other"}, metrics={"exporters": [entry]})
    assert (settings.effective_server.port, settings.effective_server.metrics_path) == (0, "/own")
    assert (settings.server.port, settings.server.metrics_path) == (1234, "/other")


def test_without_a_prometheus_exporter_the_server_stands_as_given() -> None:
    entry = {"Prometheus": {"port": 1}}
    for metrics in ({"exporters": []}, {"enabled": False, "exporters": [entry]}, {"exporters": ["prometheus"]}):
        settings = TelemetrySettings(server={"port": 1234}, metrics=metrics)
        assert settings.effective_server == settings.server
    assert TelemetrySettings(metrics={"enabled": False}).prometheus is None


def test_what_was_added_changes_nothing_unless_it_is_given() -> None:
    settings = TelemetrySettings()
    assert (settings.propagators, settings.resource_detectors) == (None, ())
    tracing, logs = settings.tracing, settings.logs
    assert (tracing.max_attributes_per_event, tracing.max_attributes_per_link, tracing.debug_mode, tracing.log_spans) == (
        128,
        128,
        False,
        False,
    )
    assert (logs.max_attributes_per_record, logs.max_attribute_length) == (128, None)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"propagators": "tracecontext"}, "propagators: given 'tracecontext', expected a list"),
        ({"propagators": ["", "b3"]}, "propagators[0]: given '', expected text that is not empty"),
        ({"resource_detectors": None}, "resource_detectors: given None, expected a list"),
        ({"tracing": {"max_attributes_per_event": -1}}, "tracing.max_attributes_per_event: given -1, expected at least 0"),
        ({"tracing": {"debug_mode": 2}}, "tracing.debug_mode: given 2, expected true or false"),
        ({"logs": {"max_attribute_length": -1}}, "logs.max_attribute_length: given -1, expected at least 0"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_one_fault(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(SettingsError) as caught:
        TelemetrySettings(**given)
    assert [str(each) for each in caught.value.faults] == [fault]


def test_equal_settings_have_no_differences() -> None:
    spelled = TelemetrySettings(tracing={"exporters": [{"Console": {}}]}, health={"cache_ttl": "1m"})
    assert spelled == TelemetrySettings(tracing={"exporters": ["console"]}, health={"cache_ttl": 60})
    assert differences(spelled, TelemetrySettings(tracing={"exporters": ["console"]}, health={"cache_ttl": 60})) == []


def test_each_difference_is_named_with_both_values() -> None:
    running = TelemetrySettings(service_name="a", tracing={"batch_export": {"max_batch_size": 1}})
    wanted = TelemetrySettings(service_name="b", tracing={"batch_export": {"max_batch_size": 2}})
    assert differences(running, wanted) == [
        "service_name: 'a' is running, 'b' was asked for",
        "tracing.batch_export.max_batch_size: 1 is running, 2 was asked for",
    ]


def test_differences_show_no_header() -> None:
    running, wanted = (
        TelemetrySettings(logs={"exporters": [{"type": "otlp", "headers": {"authorization": token}}]})
        for token in ("s3cret-one", "s3cret-two")
    )
    lines = differences(running, wanted)
    assert len(lines) == 1
    assert lines[0].endswith("; they differ in what is hidden here")
    assert "s3cret" not in lines[0]
