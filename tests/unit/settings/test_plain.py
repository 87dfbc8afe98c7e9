"""Settings as JSON has them: readable again, but that no secret is shown."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.catalog.metric import Attribute, LegacyName, Metric
from heliograph.errors import SettingsError
from heliograph.settings import PRESETS, TelemetrySettings
from heliograph.settings.duration import duration_text, parse_duration
from heliograph.settings.exporters import OtlpExporter
from heliograph.settings.secret import is_secret_name

_FULL: dict[str, Any] = {
    "service_name": "shop",
    "resource": {"team": "payments", "shard": 3, "canary": True, "share": 0.5},
    "propagators": ["tracecontext", "b3"],
    "tracing": {
        "sample_rate": 0.1,
        "sample_rules": [{"name": "GET *", "attributes": {"a": 1}, "sample_rate": 1}],
        "keep_rules": [{"kind": "server"}],
        "keep_slower_than": None,
        "exporters": ["console", {"Jaeger": {"endpoint": "http://jaeger:4318"}}, {"file": {"path": "t.json"}}],
    },
    "metrics": {
        "collection_interval": 0.25,
        "exporters": ["prometheus", {"otlp": {"temporality": "delta", "timeout": "1500ms"}}],
        "views": [{"instrument": "http.*", "keep": ["http.route"], "buckets": [1, 2.5]}],
        "catalogue": [
            {
                "name": "basket.value",
                "kind": "histogram",
                "unit": "{EUR}",
                "attributes": {"country": 30},
                "buckets": [1, 10],
                "legacy": [{"name": "basket_value", "where": {"country": ["at", "de"]}, "without": ["shop"]}],
            }
        ],
    },
    "server": {"host": "0.0.0.0", "allow_unauthenticated": True},
    "delivery": {"spool_directory": "/var/spool/shop", "spool_max_age": "36h"},
}


@pytest.mark.parametrize(
    "given_settings", [{}, _FULL, *({"preset": name} for name in PRESETS)], ids=["none", "full", *PRESETS]
)
def test_what_is_shown_is_json_and_means_the_same(given_settings: dict[str, Any]) -> None:
    made = TelemetrySettings(**given_settings)
    again = TelemetrySettings(**json.loads(json.dumps(made.plain())))
    assert again == made
    assert again.plain() == made.plain()


def test_rows_of_the_catalogue_are_shown_as_they_are_written() -> None:
    row = Metric(
        name="a.b",
        kind="counter",
        attributes=(Attribute(name="k", cardinality=7),),
        legacy=(LegacyName(name="a_b", where={"k": ("v",)}),),
    )
    (shown,) = TelemetrySettings(metrics={"catalogue": [row]}).plain()["metrics"]["catalogue"]  # type: ignore[arg-type]
    assert shown["attributes"] == {"k": 7}
    assert shown["legacy"][0]["where"] == {"k": ["v"]}
    assert TelemetrySettings(metrics={"catalogue": [shown]}).metrics.catalogue == (row,)  # type: ignore[arg-type]


def test_no_secret_is_shown() -> None:
    exporter = OtlpExporter(endpoint="https://user:s3cret@collector:4318/a", headers={"authorization": "s3cret"})  # type: ignore[dict-item]
    shown = exporter.plain()
    assert "s3cret" not in json.dumps(shown)
    assert shown["headers"] == {"authorization": "**********"}
    assert shown["endpoint"] == "https://[REDACTED]@collector:4318/a"
    resource = {"database": "postgres://user:s3cret@db/shop", "db.password": "s3cret"}
    settings = TelemetrySettings(resource=resource, logs={"exporters": [exporter]})  # type: ignore[arg-type]
    assert "s3cret" not in json.dumps(settings.plain())


@pytest.mark.parametrize(
    ("given_value", "shown"),
    [
        ("5s", "5s"),
        ("250ms", "250ms"),
        (0.25, "250ms"),
        (1.5, "1500ms"),
        ("60s", "60s"),
        ("2m", "120s"),
        ("1h", "1h"),
        ("24h", "24h"),
        ("90m", "5400s"),
        ("2d", "2d"),
        ("36h", "36h"),
        (0.0005, "0.5ms"),
        (timedelta(microseconds=1), "0.001ms"),
        (timedelta(days=1, microseconds=1), "86400000.001ms"),
    ],
)
def test_a_duration_is_shown_as_people_write_it(given_value: object, shown: str) -> None:
    assert duration_text(parse_duration(given_value)) == shown


@given(st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=3650)))
def test_a_duration_that_is_shown_means_the_same(duration: timedelta) -> None:
    assert parse_duration(duration_text(duration)) == duration


# "/", "@" and "=" may be those of credentials.
_TEXT = st.text(st.characters(exclude_characters="/@=", exclude_categories=["Cs"]), max_size=5)
_NAME = _TEXT.filter(lambda name: not is_secret_name(name))


@settings(max_examples=150, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "service_name": _TEXT,
            "resource": st.dictionaries(_NAME, _TEXT | st.integers() | st.booleans(), max_size=3),
            "tracing": st.fixed_dictionaries(
                {}, optional={"sample_rate": st.floats(0, 1), "keep_slower_than": st.none() | st.floats(0.001, 1e6)}
            ),
            "metrics": st.fixed_dictionaries(
                {},
                optional={
                    "aggregation": st.fixed_dictionaries({"histogram_buckets": st.none() | st.lists(st.floats(-1e9, 1e9))}),
                    "collection_interval": st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=9)),
                },
            ),
        },
    )
)
def test_any_settings_that_are_shown_mean_the_same(given_settings: dict[str, Any]) -> None:
    try:
        made = TelemetrySettings(**given_settings)
    except SettingsError:
        return
    assert TelemetrySettings(**json.loads(json.dumps(made.plain()))) == made
