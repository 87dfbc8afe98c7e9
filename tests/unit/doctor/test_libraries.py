"""Libraries without the package that instruments them."""

from __future__ import annotations

from collections.abc import Callable

from heliograph.doctor.circumstances import Circumstances
from heliograph.doctor.finding import Severity
from heliograph.doctor.libraries import examine_libraries, missing
from heliograph.doctor.packages import installed


def test_a_library_that_nothing_instruments_is_named_with_the_extra_that_does() -> None:
    (finding,) = missing({"flask", "requests", "opentelemetry-instrumentation-requests", "django-cors"})
    assert finding.severity is Severity.INFO
    assert finding.what == "flask is installed, and opentelemetry-instrumentation-flask is not (heliograph[flask])"
    assert finding.fix == "pip install 'heliograph[flask]', then telemetry.instrument()"


def test_what_comes_with_heliograph_is_said_in_one_line() -> None:
    (finding,) = missing({"grpcio", "requests", "starlette"})
    assert finding.what == (
        "grpc, requests and starlette, installed with heliograph: not instrumented (heliograph[grpc,requests,starlette])"
    )


def test_what_is_not_installed_needs_nothing() -> None:
    assert list(missing({"opentelemetry-instrumentation-requests"})) == []


def test_no_package_that_is_here_is_said_to_be_missing(around: Callable[..., Circumstances]) -> None:
    names = {package.name for package in installed()}
    for finding in examine_libraries(around()):
        assert not {name for name in names if finding.what.partition(" (")[0].endswith(f", and {name} is not")}
