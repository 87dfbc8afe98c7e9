"""Whatever sources set a value, the highest one decides it, and is named as its source. In every combination."""

import json
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from heliograph.settings import PRESETS, TelemetrySettings
from heliograph.settings.kind import Kind
from heliograph.settings.loading.load import load
from heliograph.settings.loading.variables import variable_of
from heliograph.settings.section import Section

# Values that fit together in any combination, one for each source that sets it, by place.
POSSIBLE = {
    ("service_name",): ["a", "b", "c"],
    ("service_version",): ["1.10", "2", "true"],
    ("environment",): ["production", None, "on"],
    ("recorder",): ["native", "opentelemetry-sdk", "native"],
    ("resource", "team"): ["x", "y", "z"],
    ("resource", "zone"): ["1", "2", "3"],
    ("tracing", "sample_rate"): [0.5, 0.25, 1],
    ("tracing", "keep_errors"): [True, False, True],
    ("tracing", "batch_export", "max_batch_size"): [1, 2, 3],
    ("tracing", "exporters"): [["console"], [{"type": "file", "path": "x"}, "otlp"], []],
    ("metrics", "aggregation", "histogram_buckets"): [[1, 2], [0.5], [3]],
    ("metrics", "exporters"): [["prometheus"], [], ["memory", "console"]],
    ("logs", "level"): ["INFO", "DEBUG", "ERROR"],
    ("health", "cache_ttl"): ["1s", "2m", 3],
    ("server", "port"): [1, 2, 3],
    ("delivery", "queue_size"): [10, 20, 30],
}
SOURCES = ("argument", "environment", "file")
_CHOICES = st.dictionaries(
    st.sampled_from(list(POSSIBLE)), st.dictionaries(st.sampled_from(SOURCES), st.integers(0, 2), min_size=1), max_size=8
)


def nested(values):
    made = {}
    for place, value in values.items():
        around = made
        for part in place[:-1]:
            around = around.setdefault(part, {})
        around[place[-1]] = value
    return made


def at(values, place):
    for part in place:
        values = values.get(part) if isinstance(values, dict) else getattr(values, part)
        if values is None:
            return None
    return values


def as_text(value):
    return value if isinstance(value, str) else json.dumps(value)


WRITTEN = {
    "heliograph.yaml": yaml.safe_dump,
    "heliograph.json": json.dumps,
    "heliograph.yml": lambda values: yaml.safe_dump({"telemetry": values}, default_flow_style=True),
}


@given(_CHOICES, st.sampled_from([None, *PRESETS]), st.sampled_from(SOURCES), st.sampled_from(list(WRITTEN)))
def test_the_highest_source_of_each_value_decides_it(choices, preset, of_preset, name):
    given_values = {source: {} for source in SOURCES}
    for place, by_source in choices.items():
        for source, position in by_source.items():
            given_values[source][place] = POSSIBLE[place][position]
    if preset is not None:
        given_values[of_preset]["preset",] = preset
    environ = {variable_of(place): as_text(value) for place, value in given_values["environment"].items()}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, name).write_text(WRITTEN[name](nested(given_values["file"])))
        loaded = load(nested(given_values["argument"]), environ=environ, folder=Path(folder))

    expected = {place: value for source in reversed(SOURCES) for place, value in given_values[source].items()}
    assert loaded.settings == TelemetrySettings(**nested(expected))
    assert loaded.notices == ()
    for place in [*POSSIBLE, ("preset",)]:
        setting = next((source for source in SOURCES if place in given_values[source]), None)
        if setting is None:
            setting = "preset" if at(PRESETS.get(preset, {}), place) is not None else "default"
        source = loaded.source(place)
        assert source.kind == setting
        details = {"environment": variable_of(place), "preset": preset, "argument": "", "default": ""}
        assert source.detail == details[setting] if setting in details else source.detail.startswith(f"{name}:")


def scalars(section: type[Section], place=()):
    """Each setting outside of lists, with its default."""
    settings = TelemetrySettings()
    for name, field in section.fields.items():
        kind: Kind = field.kind
        if kind.form == "section":
            yield from scalars(kind.section, (*place, name))
        elif kind.form == "scalar":
            plain = settings.plain()
            for part in (*place, name):
                plain = plain[part]
            yield (*place, name), plain


@pytest.mark.parametrize(("place", "default"), list(scalars(TelemetrySettings)), ids=str)
def test_every_setting_can_be_set_by_its_variable_and_in_every_format(tmp_path, place, default):
    """Its default, said by each source: what it comes to is equal, and its source is that one."""
    expected = TelemetrySettings(**nested({place: default}))
    text = json.dumps(nested({place: default}))
    (tmp_path / "a.json").write_text(text)
    (tmp_path / "a.yaml").write_text(text)
    for loaded, kind, detail in [
        (load(environ={variable_of(place): as_text(default)}), "environment", variable_of(place)),
        (load(file="a.json", folder=tmp_path), "file", "a.json:1"),
        (load(file="a.yaml", folder=tmp_path), "file", "a.yaml:1"),
        (load(nested({place: default})), "argument", ""),
    ]:
        assert loaded.settings == expected
        assert tuple(loaded.source(place)) == (kind, detail)
