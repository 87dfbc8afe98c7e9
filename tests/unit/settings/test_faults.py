"""Faulty settings give one error with every fault: its path, what was given and what was expected, and no secret."""

import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.errors import SettingsError
from heliograph.settings import TelemetrySettings


def _error(**given_values: Any) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        TelemetrySettings(**given_values)
    return caught.value


def _faults(**given_values: Any) -> list[tuple[str, str, str]]:
    return [(fault.path, fault.given, fault.expected) for fault in _error(**given_values).faults]


@pytest.mark.parametrize(
    ("given_values", "path", "value", "expected"),
    [
        ({"servce_name": "a"}, "servce_name", "'a'", "no setting of this name; did you mean 'service_name'?"),
        ({"tracing": {"sample_rat": 1}}, "tracing.sample_rat", "1", "no setting of this name; did you mean 'sample_rate'?"),
        ({"service_name": 5}, "service_name", "5", "text"),
        ({"service_name": ""}, "service_name", "''", "text that is not empty"),
        ({"service_name": " \t"}, "service_name", "' \\t'", "text that is not empty"),
        ({"enabled": "maybe"}, "enabled", "'maybe'", "true or false"),
        ({"enabled": 2}, "enabled", "2", "true or false"),
        ({"enabled": None}, "enabled", "None", "true or false"),
        ({"preset": "prod"}, "preset", "'prod'", "one of 'development', 'production' or 'high_load'"),
        ({"tracing": None}, "tracing", "None", "a mapping of settings"),
        ({"tracing": []}, "tracing", "[]", "a mapping of settings"),
        ({"tracing": {"sample_rate": 1.5}}, "tracing.sample_rate", "1.5", "at most 1"),
        ({"tracing": {"sample_rate": -0.1}}, "tracing.sample_rate", "-0.1", "at least 0"),
        ({"tracing": {"sample_rate": "{x}"}}, "tracing.sample_rate", "'{x}'", "a number"),
        ({"tracing": {"sample_rate": True}}, "tracing.sample_rate", "True", "a number, not true or false"),
        ({"tracing": {"max_events_per_span": -1}}, "tracing.max_events_per_span", "-1", "at least 0"),
        ({"tracing": {"max_events_per_span": 1.5}}, "tracing.max_events_per_span", "1.5", "a whole number"),
        ({"tracing": {"exporters": "console"}}, "tracing.exporters", "'console'", "a list"),
        ({"tracing": {"exporters": [5]}}, "tracing.exporters[0]", "5", "a mapping of settings"),
        ({"tracing": {"batch_export": {"max_batch_size": 0}}}, "tracing.batch_export.max_batch_size", "0", "at least 1"),
        ({"server": {"port": 65536}}, "server.port", "65536", "at most 65535"),
        ({"server": {"port": -1}}, "server.port", "-1", "at least 0"),
        ({"server": {"port": True}}, "server.port", "True", "a number, not true or false"),
        ({"health": {"checks": ["disk_space", "cpu"]}}, "health.checks[1]", "'cpu'", "one of 'disk_space' or 'memory'"),
        ({"resource": "team"}, "resource", "'team'", "a mapping of names to values"),
    ],
)
def test_a_fault_says_where_what_and_what_instead(given_values: Any, path: str, value: str, expected: str) -> None:
    assert _faults(**given_values) == [(path, value, expected)]


def test_a_name_like_no_other_is_answered_with_the_names_that_there_are() -> None:
    ((path, _given, expected),) = _faults(tracing={"batch_export": {"zzz": 1}})
    assert path == "tracing.batch_export.zzz"
    assert expected.startswith("no setting of this name")
    assert all(name in expected for name in ("max_batch_size", "max_export_timeout", "export_interval"))


@pytest.mark.parametrize("interval", [-1, 0, "-5s", "soon", None, True, float("nan"), 10**400])
def test_a_bad_interval_is_a_fault_with_its_path(interval: object) -> None:
    ((path, _given, expected),) = _faults(metrics={"collection_interval": interval})
    assert path == "metrics.collection_interval"
    assert expected.startswith("a duration above zero")


def test_all_faults_of_all_sections_come_in_one_error() -> None:
    error = _error(
        service_name="",
        unknown=1,
        preset="none",
        tracing={"sample_rate": 2, "exporters": ["otlp", "otlp", "carrier-pigeon"]},
        metrics={"collection_interval": "-5s"},
        server={"port": 70000},
    )
    assert {fault.path for fault in error.faults} == {
        *("service_name", "unknown", "preset", "tracing.sample_rate", "tracing.exporters[1].name"),
        *("tracing.exporters[2].type", "metrics.collection_interval", "server.port"),
    }
    assert str(error).startswith("8 faults in the settings:\n  ")
    assert all(str(fault) in str(error) for fault in error.faults)


@pytest.mark.parametrize("value", [[1], None, {"a": 1}, object()], ids=["list", "None", "mapping", "object"])
def test_a_resource_attribute_of_a_wrong_type_is_one_fault_at_its_own_path(value: object) -> None:
    faults = _faults(resource={"team": value})
    assert [path for path, _given, _expected in faults] == ["resource.team"]


def test_a_wrong_protocol_is_one_fault_and_not_another_about_the_endpoint_that_depends_on_it() -> None:
    faults = _faults(tracing={"exporters": [{"type": "otlp", "protocol": "carrier-pigeon"}]})
    assert [path for path, _given, _expected in faults] == ["tracing.exporters[0].protocol"]


_SECRET = "Bearer s3cret-t0ken"


@pytest.mark.parametrize(
    "exporter",
    [
        {"type": "otlp", "headers": {"authorization": [_SECRET]}},
        {"type": "otlp", "headers": _SECRET},
        {"type": "otlp", "headers": [("authorization", _SECRET)]},
        {"type": "otlp", "header": {"authorization": _SECRET}},
        {"endpoint": "http://c:4318", "headers": {"authorization": _SECRET}},
        {"type": 5, "headers": {"authorization": _SECRET}},
        {"otlp": {"headers": {"authorization": _SECRET}}, "console": {}},
        {"type": "otlp", "token": _SECRET},
    ],
    ids=["wrong type", "text", "pairs", "misspelt", "no type", "type no text", "two types", "unknown"],
)
def test_a_faulty_exporter_shows_none_of_its_headers(exporter: dict[str, Any]) -> None:
    error = _error(tracing={"exporters": [exporter]})
    assert "s3cret" not in str(error) + repr(error) + repr(error.faults)


@pytest.mark.parametrize(
    "given_values",
    [
        {"tracing": {"exporters": {"otlp": {"headers": {"authorization": _SECRET}}}}},
        {"tracing": [{"otlp": {"headers": {"authorization": _SECRET}}}]},
        {"trace": {"exporters": [{"otlp": {"headers": {"authorization": _SECRET}}}]}},
    ],
    ids=["no list", "no section", "unknown section"],
)
def test_a_fault_further_up_shows_none_of_the_headers_below_it(given_values: dict[str, Any]) -> None:
    assert "s3cret" not in str(_error(**given_values))


def test_the_traceback_of_faulty_settings_shows_no_header_either() -> None:
    error = _error(tracing={"exporters": [{"type": "otlp", "headers": {"authorization": [_SECRET]}}]})
    assert "s3cret" not in "".join(traceback.format_exception(error))


def test_a_long_value_is_shortened() -> None:
    ((_path, given_text, _expected),) = _faults(tracing={"exporters": "x" * 10_000})
    assert len(given_text) < 100


def test_a_value_that_cannot_show_itself_is_still_a_fault() -> None:
    class Sulking:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    ((path, given_text, _expected),) = _faults(service_name=Sulking())
    assert (path, "Sulking" in given_text) == ("service_name", True)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_SECTIONS = st.sampled_from(sorted(TelemetrySettings.fields))


@given(st.dictionaries(_SECTIONS, _JSON, max_size=4))
def test_any_json_gives_settings_or_a_settings_error_whose_faults_are_complete(given_values: dict[str, Any]) -> None:
    try:
        TelemetrySettings(**given_values)
    except SettingsError as error:
        faults = error.faults
    else:
        return
    assert faults
    assert all(fault.path and fault.given and fault.expected for fault in faults)


@pytest.mark.parametrize("endpoint", ["ftp://user:s3cret@host", "ftp://s3cret@host:1/path", "http://user:s3cret@"])
def test_a_faulty_endpoint_shows_no_credentials_of_its_url(endpoint: str) -> None:
    with pytest.raises(SettingsError) as raised:
        TelemetrySettings(tracing={"exporters": [{"type": "otlp", "endpoint": endpoint}]})
    assert "s3cret" not in str(raised.value)
    assert "[REDACTED]@" in str(raised.value)
