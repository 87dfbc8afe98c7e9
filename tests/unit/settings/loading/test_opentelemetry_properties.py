"""Whatever stands in the variables, the settings load: no value of theirs is a fault."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from heliograph.settings.loading.load import load
from heliograph.settings.loading.opentelemetry_reading import VARIABLES
from heliograph.settings.loading.opentelemetry_values import pairs

_NAMES = [row.name for row in VARIABLES if "*" not in row.name and row.name != "OTEL_CONFIG_FILE"]
_LIKELY = [
    *(
        "true",
        "false",
        "0",
        "1",
        "-1",
        "1e400",
        "nan",
        "99999999999999999999",
        "9" * 5000,
        "0.5",
        "none",
        "otlp",
        "console,otlp",
    ),
    *(
        "jaeger",
        "prometheus",
        "grpc",
        "http/json",
        "http/protobuf",
        "gzip",
        "http://c:4317",
        "https://c",
        "c:4317",
        "http://[",
    ),
    *("http://c:99999", "//", "a=1,b=%ff", "a=\x00", "host=1", "/ca.pem", "-----BEGIN", "delta", "parentbased_traceidratio"),
    *("service.name=,x=1", "0.0.0.0", "::1", "tcp://1.2.3.4:5", "\ud800", "é", "a,b,,", "="),
]
_TEXTS = st.sampled_from(_LIKELY) | st.text(st.characters(blacklist_characters="\0"), max_size=20)
_OPTIONS: list[dict[str, Any]] = [
    {},
    {"preset": "production"},
    {"tracing": {"exporters": ["otlp", {"type": "otlp", "name": "b", "endpoint": "https://b", "tls": {"ca_file": "/x"}}]}},
    {"tracing": {"exporters": [{"type": "otlp", "protocol": "grpc", "headers": {"a": "1"}}]}},
    {"metrics": {"exporters": [{"Prometheus": {"port": 9090}}, "otlp"]}, "logs": {"exporters": []}},
]


@given(environ=st.dictionaries(st.sampled_from(_NAMES), _TEXTS, max_size=6), options=st.sampled_from(_OPTIONS))
def test_no_value_of_a_variable_is_a_fault(environ: dict[str, str], options: dict[str, Any]):
    loaded = load(options, environ=environ)
    assert all("OTEL_" in notice or notice.startswith(("PROMETHEUS_", "TELEMETRY_")) for notice in loaded.notices)


@given(st.dictionaries(st.text("abc %=,;é", min_size=1).map(str.strip).filter(bool), st.text("abc %=,;é").map(str.strip)))
def test_pairs_that_are_encoded_come_back(expected: dict[str, str]):
    text = ",".join(f"{_encoded(name)}={_encoded(value)}" for name, value in expected.items())
    assert pairs(text) == (expected, ())


def _encoded(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())
