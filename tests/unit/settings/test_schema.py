"""The JSON Schema takes what the settings take, and refuses what is of another type, no word of a setting or out of range."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.errors import SettingsError
from heliograph.settings import PRESETS, TelemetrySettings
from heliograph.settings.faults import MismatchError
from heliograph.settings.kind import Kind
from heliograph.settings.schema import json_schema
from heliograph.settings.section import Field, Section
from heliograph.settings.sections import all_sections
from tests.support.system_b import DOCUMENTS

SCHEMA = json_schema()
WHOLE = jsonschema.Draft202012Validator(SCHEMA)
SECTIONS = all_sections(TelemetrySettings)
FIELDS = [pytest.param(section, name, id=f"{section.__name__}.{name}") for section in SECTIONS for name in section.fields]

# What somebody might write for some setting or other.
_NUMBERS = [0, 1, 2, -1, 0.5, 1.0, 1.5, -0.5, 1e-12, 128, 65535, 65536, 9464, 10**12, 3650 * 86400, 3650 * 86400 + 1]
_NUMBER_WORDS = ["0", "1", " 1 ", "+1", "-1", "1.0", "1.", ".5", "0.5", "1e3", "5E-1", "1_000", "01", "1,0", "0x10", "1__0"]
_WORDS = ["", " ", "a", " a ", "true", "TRUE", "yes", "oN", "f", "none", "None", "null", "system.cpu.time", "system.*", "*"]
_DURATIONS = ["5s", "250ms", " 10 m ", "1H", "7d", "3min", "0.5s", "5 weeks", "s", "-5s", "5s5", "1 MS"]
_PLACES = ["/metrics", "/", "/health", "metrics", "http://localhost:4318", "HTTPS://a", "ftp://a", "localhost:4318", "a.pem"]
_LISTS: list[Any] = [
    [],
    [1],
    [1, 2],
    [2, 1],
    ["a"],
    [0.1, "0.9"],
    ["console"],
    [None],
    [[]],
    ["otlp", {"Console": None}],
    [{}],
]
_MAPPINGS: list[Any] = [{}, {"a": "b"}, {"a": 1}, {"a": None}, {"a": ["b"]}, {"a": {}}, {"enabled": True}, {"enabled": 5}]
_ENTRIES = ["console", " CONSOLE ", "prometheus", "file", "jaeger", {"type": "Otlp"}, {"type": "memory", "max_items": 0}]
_ENTRIES += [{"File": {"path": "a"}}, {"File": {}}, {"file": None}, {"otlp": {"headers": {"a": "b"}, "timeout": "1s"}}]
_ENTRIES += [{"Jaeger": {"endpoint": "http://jaeger:14268/api/traces", "compression": "gzip"}}, {"zipkin": {}}, {"type": "a"}]
_ENTRIES += [{"otlp": {"temporality": "delta"}}, {"otlp": {}, "console": {}}, {"type": "prometheus", "port": 70000}]
_ROWS = [{"name": "a", "kind": "counter"}, {"name": "a"}, {"name": "a", "kind": "timer"}, {"name": "a", "sample_rate": 0.5}]
_ROWS += [{"instrument": "a*", "buckets": [1, 2]}, {"name": "a_total", "factor": 2, "where": {"a": "b"}}, {"sample_rate": 2}]
_SCALARS: list[Any] = [None, True, False, *_NUMBERS, *_NUMBER_WORDS, *_WORDS, *_DURATIONS, *_PLACES, "http", "grpc", "DEBUG"]
POOL = [*_SCALARS, *_LISTS, *_MAPPINGS, *_ENTRIES, *_ROWS, *([each] for each in [*_ENTRIES, *_ROWS])]

_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def _validator(section: type[Section], name: str) -> jsonschema.Draft202012Validator:
    part = SCHEMA["$defs"][section.__name__]["properties"][name]
    return jsonschema.Draft202012Validator({**part, "$defs": SCHEMA["$defs"]})


def _is_accepted(field: Field[Any], value: object) -> bool:
    """By the kind; a check that looks at other settings is no matter of a schema."""
    try:
        field.kind(value)
    except ValueError:
        return False
    return True


def test_the_schema_is_one_and_is_json() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_every_setting_is_described_and_every_reference_leads_somewhere() -> None:
    for section in SECTIONS:
        assert SCHEMA["$defs"][section.__name__]["description"], section
        for name, part in SCHEMA["$defs"][section.__name__]["properties"].items():
            assert part["description"], (section, name)
    assert {reference.removeprefix("#/$defs/") for reference in _references(SCHEMA)} == set(SCHEMA["$defs"])


def _references(part: Any) -> Iterator[str]:
    for name, inner in part.items() if isinstance(part, dict) else enumerate(part if isinstance(part, list) else ()):
        if name == "$ref":
            yield inner
        yield from _references(inner)


@pytest.mark.parametrize(("section", "name"), FIELDS)
def test_what_a_setting_takes_fits_and_what_is_of_another_type_does_not(section: type[Section], name: str) -> None:
    field, validator = section.fields[name], _validator(section, name)
    is_fitting = {position: validator.is_valid(value) for position, value in enumerate(POOL)}
    accepted = {position for position, value in enumerate(POOL) if _is_accepted(field, value)}
    assert [POOL[position] for position in accepted if not is_fitting[position]] == []
    refused = set(is_fitting) - accepted
    assert [
        POOL[position] for position in refused if is_fitting[position] and _is_expressible(field.kind, POOL[position])
    ] == []


def _is_expressible(kind: Kind[Any], value: object) -> bool:
    """Whether a schema can say that ``value`` is refused: it knows no order, no range of numbers in text, no other words."""
    if isinstance(value, str):
        return False
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return True
    try:
        kind(value)
    except MismatchError as mismatch:
        return not any(isinstance(found.value, (str, dict)) or "go together" in found.expected for found in mismatch.found)
    except ValueError as error:
        return "ascending" not in str(error)
    return True


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([(section, name) for section in SECTIONS for name in section.fields]), _JSON | st.sampled_from(POOL))
def test_whatever_a_setting_takes_fits(place: tuple[type[Section], str], value: object) -> None:
    section, name = place
    if _is_accepted(section.fields[name], value):
        assert _validator(section, name).is_valid(value)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([name for name, field in TelemetrySettings.fields.items() if field.kind.section is not None]),
        st.dictionaries(
            st.sampled_from(["enabled", "exporters", "sample_rate", "batch_export", "views", "host", "port", "queue_size"]),
            st.sampled_from(POOL),
            max_size=2,
        ),
        max_size=2,
    )
)
def test_settings_that_can_be_made_are_a_file_that_fits(given_settings: dict[str, Any]) -> None:
    try:
        made = TelemetrySettings(**given_settings)
    except SettingsError:
        return
    assert WHOLE.is_valid(given_settings)
    assert WHOLE.is_valid({"telemetry": given_settings})
    assert WHOLE.is_valid(made.plain())


@pytest.mark.parametrize("preset", PRESETS)
def test_the_presets_fit_as_they_are_and_as_they_are_shown(preset: str) -> None:
    assert WHOLE.is_valid(PRESETS[preset])
    assert WHOLE.is_valid(TelemetrySettings(preset=preset).plain())  # type: ignore[arg-type]


@pytest.mark.parametrize("preset", DOCUMENTS)
def test_the_configurations_of_system_b_fit_with_and_without_their_top_key(preset: str) -> None:
    document = json.loads(DOCUMENTS[preset])
    WHOLE.validate(document)
    WHOLE.validate(document["telemetry"])


@pytest.mark.parametrize(
    "broken",
    [
        {"service_nam": "a"},
        {"telemetry": {}, "service_name": "a"},
        {"telemetry": {"service_name": ""}},
        {"tracing": {"sample_rate": 1.5}},
        {"tracing": {"sample_rate": True}},
        {"tracing": {"exporters": ["zipkin"]}},
        {"tracing": {"exporters": [{"type": "prometheus"}]}},
        {"tracing": {"exporters": [{"otlp": {"temporality": "delta"}}]}},
        {"metrics": {"exporters": [{"otlp": {"temporality": "sometimes"}}]}},
        {"metrics": {"exporters": ["file"]}},
        {"metrics": {"catalogue": [{"name": "a"}]}},
        {"server": {"port": 65536}},
        {"health": {"checks": ["moon"]}},
        {"preset": "holiday"},
        {"tracing": None},
        [],
        "production",
    ],
    ids=str,
)
def test_what_is_broken_does_not_fit(broken: Any) -> None:
    assert not WHOLE.is_valid(broken)


@pytest.mark.parametrize(
    "file",
    [
        {"service_name": "${NAME}", "preset": "${PRESET:-production}", "enabled": "${ON}"},
        {"tracing": {"sample_rate": "${env:RATE}", "exporters": [{"otlp": {"endpoint": "${URL}", "timeout": "${T}s"}}]}},
        {
            "server": {"port": "${PORT:-9464}", "metrics_path": "${P}"},
            "metrics": {"catalogue": [{"name": "${N}", "kind": "${K}"}]},
        },
    ],
    ids=str,
)
def test_a_variable_may_stand_for_any_value(file: dict[str, Any]) -> None:
    WHOLE.validate(file)


def test_a_default_is_one_that_the_setting_takes_and_means() -> None:
    for section in SECTIONS:
        for name, part in SCHEMA["$defs"][section.__name__]["properties"].items():
            field = section.fields[name]
            if "default" in part:
                assert field.kind(part["default"]) == field.kind(field.default), (section, name)
                assert _validator(section, name).is_valid(part["default"]), (section, name)


def test_numbers_that_json_has_not_are_nothing_that_a_schema_need_say() -> None:
    assert not any(_is_accepted(field, math.nan) for field in TelemetrySettings.fields.values())
