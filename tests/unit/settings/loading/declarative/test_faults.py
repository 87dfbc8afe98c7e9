"""Files after OpenTelemetry's schema that are malformed, or say what is not covered: each is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from heliograph.errors import SettingsError
from heliograph.settings.loading.load import load

HEAD = 'file_format: "1.0"\n'
SPANS = HEAD + "tracer_provider:\n  processors:\n    - batch:\n        exporter:\n          otlp_http:\n"
METRICS = HEAD + "meter_provider:\n  readers: [{pull: {exporter: {prometheus/development: }}}]\n"

MALFORMED = [
    ("resource: {}\n", "1", "file_format: given nothing, expected"),
    ("file_format: 2.0\n", "1", 'file_format: given 2.0, expected a version from "0.4" to before "2.0"'),
    ('file_format: "0.3"\n', "1", "file_format: given '0.3'"),
    ('file_format: "one"\n', "1", "file_format: given 'one'"),
    ("file_format: [1]\n", "1", "file_format: given [1]"),
    (HEAD + "disabled: perhaps\n", "2", "disabled: given 'perhaps', expected true or false"),
    (HEAD + "log_level: loud\n", "2", "log_level: given 'loud', expected 'trace'"),
    (HEAD + "resource: 5\n", "2", "resource: given 5, expected a mapping"),
    (
        HEAD + "resource: {attribute: []}\n",
        "2",
        "resource.attribute: given [], expected no such name; did you mean 'attributes'?",
    ),
    (HEAD + "resource:\n  attributes: []\n", "3", "resource.attributes: given [], expected a list with an entry at least"),
    (
        HEAD + "resource:\n  attributes:\n    - value: 5\n",
        "4",
        "resource.attributes[0]: given {'value': 5}, expected a mapping with",
    ),
    (
        HEAD + "resource:\n  attributes:\n    - name: a\n      value: x\n      type: int\n",
        "5",
        "resource.attributes[0].value: given 'x', expected a whole number",
    ),
    (
        HEAD + "resource: {attributes: [{name: a, value: x, type: text}]}\n",
        "2",
        "resource.attributes[0].type: given 'text', expected 'string', 'bool'",
    ),
    (HEAD + "resource: {attributes: [{name: a, value: {}}]}\n", "2", "resource.attributes[0].value: given {}, expected text,"),
    (HEAD + "attribute_limits:\n  attribute_count_limit: -1\n", "3", "attribute_count_limit: given -1, expected at least 0"),
    (HEAD + "attribute_limits:\n  attribute_count_limt: 1\n", "3", "did you mean 'attribute_count_limit'?"),
    (HEAD + "tracer_provider: {}\n", "2", "tracer_provider.processors: given nothing, expected a value"),
    (HEAD + "tracer_provider:\n  processors: batch\n", "3", "tracer_provider.processors: given 'batch', expected a list"),
    (
        HEAD + "tracer_provider:\n  processors:\n    - {}\n",
        "4",
        "processors[0]: given {}, expected a mapping of one name: batch,",
    ),
    (
        HEAD + "tracer_provider:\n  processors:\n    - batch: {}\n",
        "4",
        "processors[0].batch.exporter: given nothing, expected a",
    ),
    (
        HEAD + "tracer_provider:\n  processors:\n    - batch:\n        schedule_delay: 5s\n        exporter: {console: }\n",
        "5",
        "schedule_delay: given '5s', expected a whole number",
    ),
    (SPANS + "            endpoint: collector\n", "7", "otlp_http.endpoint: given 'collector', expected a URL such as"),
    (SPANS + "            timeout: -5\n", "7", "otlp_http.timeout: given -5, expected at least 0"),
    (
        SPANS + "            header: []\n",
        "7",
        "otlp_http.header: given [REDACTED], expected no such name; did you mean 'headers'?",
    ),
    (SPANS + "            headers: {a: secret}\n", "7", "otlp_http.headers: given [REDACTED], expected a list"),
    (
        SPANS + "            headers:\n              - {nam: secret}\n",
        "8",
        "headers[0]: given [REDACTED], expected a mapping with",
    ),
    (SPANS + "            headers_list: secret\n", "7", "otlp_http.headers_list: given [REDACTED], expected 'name=value,...'"),
    (SPANS + "            encoding: xml\n", "7", "otlp_http.encoding: given 'xml', expected 'protobuf' or 'json'"),
    (
        SPANS + "            temporality_preference: delta\n",
        "7",
        "temporality_preference: given 'delta', expected no such name",
    ),
    (
        SPANS.replace("otlp_http", "otlp_file/development") + "            output_stream: ftp://x\n",
        "7",
        "output_stream: given 'ftp://x', expected stdout, or file:///path/to/a/file",
    ),
    (
        SPANS + "  sampler: {parent_based: {root: {trace_id_ratio_based: {ratio: 1.5}}}}\n",
        "7",
        "trace_id_ratio_based.ratio: given 1.5, expected at most 1",
    ),
    (SPANS + "  sampler: {always_on: {x: 1}}\n", "7", "tracer_provider.sampler.always_on.x: given 1, expected no such name"),
    (SPANS + "  sampler: always_on\n", "7", "tracer_provider.sampler: given 'always_on', expected a mapping of one name"),
    (
        METRICS + "  exemplar_filter: some\n",
        "4",
        "exemplar_filter: given 'some', expected 'always_on', 'always_off' or 'trace_based'",
    ),
    (METRICS + "  views: [{selector: {}}]\n", "4", "views[0].stream: given nothing, expected a value"),
    (
        METRICS + "  views: [{selector: {instrument_type: meter}, stream: {}}]\n",
        "4",
        "instrument_type: given 'meter', expected one of",
    ),
    (
        METRICS + "  views:\n    - selector: {instrument_name: a*}\n      stream: {name: b}\n",
        "6",
        "meter_provider.views[0].stream.name: given 'b', expected no name, since the pattern",
    ),
    (
        METRICS.replace("prometheus/development: ", "prometheus/development: {port: 99999}"),
        "3",
        "prometheus/development.port: given 99999, expected at most 65535",
    ),
    (
        METRICS.replace("prometheus/development: ", "prometheus/development: {host: 0.0.0.0}"),
        "",
        "server.allow_unauthenticated: given False, expected true, since host '0.0.0.0' is open",
    ),
    (
        HEAD + "distribution:\n  heliograph:\n    servr: {}\n",
        "4",
        "servr: given {}, expected no setting of this name; did you mean",
    ),
    (HEAD + "distribution: 5\n", "2", "distribution: given 5, expected a mapping"),
    (HEAD + "propagator:\n  composite: [{a: , b: }]\n", "3", "propagator.composite[0]: given {"),
    (HEAD + "propagator:\n  composite: [nonsense]\n  compsite_list: x\n", "4", "did you mean 'composite_list'?"),
]


@pytest.mark.parametrize(("text", "line", "expected"), MALFORMED, ids=lambda value: value[-60:])
def test_what_is_malformed_is_a_fault_with_its_line(tmp_path: Path, text: str, line: str, expected: str):
    path = tmp_path / "otel.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError) as raised:
        load(environ={"OTEL_CONFIG_FILE": str(path)})
    (fault,) = raised.value.faults
    assert expected in str(fault)
    assert "secret" not in str(fault)
    if line:
        assert str(fault).startswith(f"{path}:{line}: ") or (line == "1" and str(fault).startswith(f"{path}: "))


NOT_COVERED = [
    (SPANS + "            compression: zstd\n", "7", "compression is ignored: requests go out uncompressed"),
    (SPANS + "            encoding: json\n", "7", "encoding is ignored: protobuf is sent instead of JSON"),
    (SPANS.replace("otlp_http", "zipkin"), "6", "exporter.zipkin is ignored: there is no such exporter of tracing here"),
    (SPANS.replace("otlp_http", "otlp_file/development"), "6", "is ignored: OTLP goes to files only"),
    (SPANS + "  sampler: {jaeger_remote/development: {endpoint: http://j}}\n", "7", "nobody is asked for the share of traces"),
    (SPANS + "  sampler: {mine: {}}\n", "7", "tracer_provider.sampler.mine is ignored: there is no such sampler here"),
    (SPANS + "  sampler: {trace_id_ratio_based: {ratio: 0.5}}\n", "7", "ratio is read as that of new traces"),
    (SPANS + "  id_generator: {xray: }\n", "7", "tracer_provider.id_generator.xray is ignored: there is no such id generator"),
    (SPANS + "  tracer_configurator/development: {}\n", "7", "is ignored: single tracers cannot be switched off"),
    (SPANS + "  something/development: {}\n", "7", "tracer_provider.something/development is ignored: it is not known here"),
    (SPANS.replace("batch:", "mine:"), "4", "processors[0].mine is ignored: there is no such processor of tracing here"),
    (METRICS + "  meter_configurator/development: {}\n", "4", "is ignored: single meters cannot be switched off"),
    (
        METRICS + "  views: [{selector: {meter_version: '1'}, stream: {}}]\n",
        "4",
        "meter_version is ignored: a view chooses by",
    ),
    (
        METRICS + "  views: [{selector: {}, stream: {aggregation: {sum: }}}]\n",
        "4",
        "aggregation.sum is ignored: an instrument keeps",
    ),
    (
        METRICS + "  views: [{selector: {}, stream: {attribute_keys: {included: [a*]}}}]\n",
        "4",
        "keys are named, they are no patterns",
    ),
    (
        METRICS + "  views: [{selector: {}, stream: {aggregation_cardinality_limit: 5}}]\n",
        "4",
        "one limit holds for all instruments",
    ),
    (
        METRICS.replace("development: ", "development: {translation_strategy: no_translation/development}"),
        "3",
        "metrics are named",
    ),
    (
        METRICS.replace("development: ", "development: {target_info_enabled/development: false}"),
        "3",
        "target_info is there always",
    ),
    (METRICS.replace("exporter: ", "producers: [{opencensus: }], exporter: "), "3", "producers is ignored: metrics come from"),
    (HEAD + "distribution: {}\ninstrumentation/development: {}\n", "3", "is ignored: call telemetry.instrument()"),
    (HEAD + "unheard_of: 5\n", "2", "unheard_of is ignored: it is not known here"),
]


@pytest.mark.parametrize(("text", "line", "expected"), NOT_COVERED, ids=lambda value: value[-60:])
def test_what_is_not_covered_is_a_notice_with_its_line(tmp_path: Path, text: str, line: str, expected: str):
    path = tmp_path / "otel.yaml"
    path.write_text(text)
    (notice,) = load(environ={"OTEL_CONFIG_FILE": str(path)}).notices
    assert notice.startswith(f"{path}:{line}: ")
    assert expected in notice


def test_all_faults_are_told_at_once(tmp_path: Path):
    path = tmp_path / "otel.yaml"
    path.write_text(SPANS + "            timeout: x\n  limits: {event_count_limit: x}\nlog_level: 5\n")
    with pytest.raises(SettingsError) as raised:
        load(file=path)
    assert [fault.where for fault in raised.value.faults] == [f"{path}:{line}" for line in (9, 7, 8)]


def test_a_host_that_is_open_needs_leave_which_the_environment_may_give(tmp_path: Path):
    path = tmp_path / "otel.yaml"
    path.write_text(METRICS.replace("prometheus/development: ", "prometheus/development: {host: 0.0.0.0}"))
    settings = load(file=path, environ={"HELIOGRAPH_SERVER__ALLOW_UNAUTHENTICATED": "true"}).settings
    assert settings.server.host == "0.0.0.0"


def test_a_variable_is_shown_as_it_is_written(tmp_path: Path):
    path = tmp_path / "otel.yaml"
    path.write_text(SPANS + "            endpoint: ${PLACE}\n")
    with pytest.raises(SettingsError) as raised:
        load(file=path, environ={"PLACE": "hunter2"})
    assert "hunter2" not in str(raised.value)
    assert "${PLACE}" in str(raised.value)
