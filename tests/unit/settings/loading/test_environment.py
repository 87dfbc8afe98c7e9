"""HELIOGRAPH_* variables: their names, how their values are written, and what is said of those that are for nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.settings.loading.environment import environment_layer
from heliograph.settings.loading.load import load


def values(**environ):
    layer = environment_layer({f"HELIOGRAPH_{name}": text for name, text in environ.items()})
    assert layer.faults == ()
    return layer.values


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("SERVICE_NAME", "shop", {"service_name": "shop"}),
        ("TRACING__SAMPLE_RATE", "0.5", {"tracing": {"sample_rate": "0.5"}}),
        ("TRACING__BATCH_EXPORT__MAX_BATCH_SIZE", "7", {"tracing": {"batch_export": {"max_batch_size": "7"}}}),
        ("TRACING__EXPORTERS", "otlp", {"tracing": {"exporters": ["otlp"]}}),
        ("TRACING__EXPORTERS", " otlp , console,", {"tracing": {"exporters": ["otlp", "console"]}}),
        ("TRACING__EXPORTERS", "[]", {"tracing": {"exporters": []}}),
        ("TRACING__EXPORTERS", '["otlp"]', {"tracing": {"exporters": [{"type": "otlp"}]}}),
        ("LOGS__EXPORTERS", '[{"File": {"path": "a"}}]', {"logs": {"exporters": [{"type": "file", "path": "a"}]}}),
        (
            "METRICS__AGGREGATION__HISTOGRAM_BUCKETS",
            "1,2.5",
            {"metrics": {"aggregation": {"histogram_buckets": ["1", "2.5"]}}},
        ),
        ("TRACING", '{"sample_rate": 0.5}', {"tracing": {"sample_rate": 0.5}}),
        ("RESOURCE", "team=payments, service.namespace = a=b", {"resource": {"team": "payments", "service.namespace": "a=b"}}),
        ("RESOURCE", '{"replicas": 3}', {"resource": {"replicas": 3}}),
        ("RESOURCE__TEAM", "payments", {"resource": {"team": "payments"}}),
        ("TRACING__KEEP_SLOWER_THAN", "null", {"tracing": {"keep_slower_than": None}}),
        ("SERVICE_NAME", "null", {"service_name": "null"}),
        ("ENVIRONMENT", " staging ", {"environment": "staging"}),
        ("ENVIRONMENT", "{staging}", {"environment": "{staging}"}),
        ("ENVIRONMENT", "", {}),
        ("CONFIG_FILE", "a.yaml", {}),
    ],
)
def test_a_variable_sets_what_its_name_says(name, text, expected):
    layer = environment_layer({f"HELIOGRAPH_{name}": text})
    assert (layer.values, layer.notices, layer.faults) == (expected, (), ())


def test_a_part_wins_over_what_is_around_it():
    assert values(
        TRACING__SAMPLE_RATE="1", TRACING='{"sample_rate": 0, "enabled": false}', RESOURCE__A="1", RESOURCE="a=2,b=3"
    ) == {
        "tracing": {"sample_rate": "1", "enabled": False},
        "resource": {"a": "1", "b": "3"},
    }


def test_every_value_has_its_variable():
    layer = environment_layer(
        {"HELIOGRAPH_TRACING": '{"exporters": [{"Otlp": {"timeout": 1}}]}', "HELIOGRAPH_RESOURCE": "a=b"}
    )
    assert layer.where(("tracing", "exporters", 0, "timeout")) == "HELIOGRAPH_TRACING"
    assert layer.where(("resource", "a")) == "HELIOGRAPH_RESOURCE"
    assert layer.where(("logs",)) is None


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("HELIOGRAPH_SERVICENAME", "did you mean HELIOGRAPH_SERVICE_NAME?"),
        ("HELIOGRAPH_TRACING_SAMPLE_RATE", "did you mean HELIOGRAPH_TRACING__SAMPLE_RATE?"),
        ("HELIOGRAPH_TRACING__SAMPLE_RATIO", "did you mean HELIOGRAPH_TRACING__SAMPLE_RATE?"),
        ("HELIOGRAPH_Service_Name", "did you mean HELIOGRAPH_SERVICE_NAME?"),
        ("HELIOGRAPH_QQQ", "`heliograph config show` has all settings"),
        ("HELIOGRAPH_RESOURCE__A__B", "did you mean HELIOGRAPH_RESOURCE?"),
        ("HELIOGRAPH_TRACING__", "did you mean HELIOGRAPH_TRACING?"),
        ("HELIOGRAPH_", "`heliograph config show` has all settings"),
    ],
)
def test_a_name_of_no_setting_is_said_with_what_was_meant(name, hint):
    layer = environment_layer({name: "1"})
    assert layer.values == {}
    (notice,) = layer.notices
    assert notice.startswith(f"{name} is ignored, since there is no such setting; {hint}")


def test_other_programs_variables_are_nothing_to_us():
    assert environment_layer({"PATH": "/bin", "HELIOGRAPHS": "1", "heliograph_enabled": "false"}) == environment_layer({})


_SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "sample_rate": st.floats(0, 1),
        "enabled": st.booleans(),
        "max_events_per_span": st.integers(1, 1000),
        "exporters": st.lists(
            st.sampled_from([{"type": "otlp", "headers": {"a": "b"}}, {"type": "console"}, {"type": "file", "path": "x"}]),
            max_size=3,
            unique_by=lambda entry: entry["type"],
        ),
    },
)


@given(_SETTINGS)
def test_a_section_means_the_same_as_json_by_its_parts_and_in_code(given_settings):
    whole = {"HELIOGRAPH_TRACING": json.dumps(given_settings)}
    parts = {
        f"HELIOGRAPH_TRACING__{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in given_settings.items()
    }
    expected = load({"tracing": given_settings}).settings
    assert load(environ=whole).settings == expected
    assert load(environ=parts).settings == expected
