"""Jaeger's endpoints: the table of what an old Thrift endpoint is mapped to."""

from __future__ import annotations

import pytest

from heliograph.exporters.jaeger import otlp_endpoint

_MAPPED = [
    ("http://jaeger:14268/api/traces", "http", "http://jaeger:4318"),
    ("http://jaeger:14268/api/traces", "grpc", "http://jaeger:4317"),
    ("http://jaeger:14268/api/traces?format=jaeger.thrift", "http", "http://jaeger:4318"),
    ("http://jaeger:14268/api/traces/", "http", "http://jaeger:4318"),
    ("http://jaeger:14268", "http", "http://jaeger:4318"),
    ("http://jaeger:14268/", "grpc", "http://jaeger:4317"),
    ("https://jaeger.example.com:14268/api/traces", "http", "https://jaeger.example.com:4318"),
    ("http://jaeger/api/traces", "http", "http://jaeger:4318"),
    ("http://proxy:8080/jaeger/api/traces", "http", "http://proxy:4318"),
    ("http://[::1]:14268/api/traces", "http", "http://[::1]:4318"),
    ("http://[::1]:14268/api/traces", "grpc", "http://[::1]:4317"),
    ("http://JAEGER:14268/api/traces", "http", "http://jaeger:4318"),
]

_KEPT = [
    "http://jaeger:4318",
    "http://jaeger:4317",
    "http://jaeger:4318/v1/traces",
    "https://jaeger.example.com",
    "http://[::1]:4318",
    "http://jaeger:16686/api/services",
    "http://jaeger:4318/api/traces-of-mine",
]


@pytest.mark.parametrize(("endpoint", "protocol", "expected"), _MAPPED)
def test_a_thrift_endpoint_is_mapped_to_otlp_on_the_same_host(endpoint: str, protocol: str, expected: str) -> None:
    mapped, warning = otlp_endpoint(endpoint, protocol)
    assert mapped == expected
    assert warning is not None
    assert expected in warning
    assert "Thrift" in warning


@pytest.mark.parametrize("endpoint", _KEPT)
@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_an_otlp_endpoint_is_used_as_it_is_without_a_warning(endpoint: str, protocol: str) -> None:
    assert otlp_endpoint(endpoint, protocol) == (endpoint, None)


def test_what_a_thrift_endpoint_maps_to_is_not_mapped_again() -> None:
    mapped, _warning = otlp_endpoint("http://jaeger:14268/api/traces", "http")
    assert otlp_endpoint(mapped, "http") == (mapped, None)


def test_the_warning_names_the_endpoint_that_was_given_without_its_secrets() -> None:
    _mapped, warning = otlp_endpoint("http://user:s3cret@jaeger:14268/api/traces?token=s3cret", "http")
    assert warning is not None
    assert "http://jaeger:14268/api/traces" in warning
    assert "s3cret" not in warning
