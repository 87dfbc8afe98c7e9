"""Samplers of declarative files become rates and rules."""

from __future__ import annotations

from pathlib import Path

from heliograph.settings.loading.load import Loaded, load
from heliograph.settings.tracing import SampleRule


def _loaded(folder: Path, text: str, name: str = "otel.yaml", **environ: str) -> Loaded:
    path = folder / name
    path.write_text(text)
    return load(environ={"OTEL_CONFIG_FILE": str(path), **environ})


def test_rules_of_a_sampler_become_rules_for_new_traces(tmp_path: Path):
    text = """\
file_format: "1.0"
tracer_provider:
  processors: [{batch: {exporter: {console: }}}]
  sampler:
    composite/development:
      parent_threshold:
        root:
          rule_based:
            rules:
              - attribute_values: {key: http.route, values: [/healthz, /livez]}
                sampler: {always_off: }
              - attribute_patterns: {key: http.path, included: [/internal/*]}
                span_kinds: [server, client]
                sampler: {probability: {ratio: 0.5}}
              - attribute_patterns: {key: a, included: ["*"], excluded: [b]}
                sampler: {always_on: }
              - parent: [remote]
                sampler: {always_on: }
              - parent: [none]
                span_kinds: [consumer]
                sampler: {always_on: }
              - sampler: {probability: {ratio: 0.25}}
              - span_kinds: [internal]
                sampler: {always_on: }
"""
    loaded = _loaded(tmp_path, text)
    tracing = loaded.settings.tracing
    assert tracing.sample_rules == (
        SampleRule(attributes={"http.route": "/healthz"}, sample_rate=0),
        SampleRule(attributes={"http.route": "/livez"}, sample_rate=0),
        SampleRule(kind="server", attributes={"http.path": "/internal/*"}, sample_rate=0.5),
        SampleRule(kind="client", attributes={"http.path": "/internal/*"}, sample_rate=0.5),
        SampleRule(kind="consumer", sample_rate=1),
    )
    assert tracing.sample_rate == 0.25
    said = [notice.rpartition("otel.yaml:")[2].partition(" ")[0] for notice in loaded.notices]
    assert said == ["15:", "17:"]


def test_without_a_rule_for_all_the_rest_is_not_kept(tmp_path: Path):
    text = """\
file_format: "1.0"
tracer_provider:
  processors: [{batch: {exporter: {console: }}}]
  sampler: {composite/development: {rule_based: {rules: [{span_kinds: [server], sampler: {always_on: }}]}}}
"""
    loaded = _loaded(tmp_path, text)
    assert loaded.settings.tracing.sample_rules == (SampleRule(kind="server", sample_rate=1),)
    assert loaded.settings.tracing.sample_rate == 0
    assert "rule_based is read as that of new traces" in loaded.notices[0]
