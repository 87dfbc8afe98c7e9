"""Versions of packages and of Python."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from heliograph.doctor.circumstances import Circumstances
from heliograph.doctor.finding import Severity
from heliograph.doctor.packages import Package, examine_packages, installed, python, skew
from heliograph.doctor.versions import fits

API = Package(name="opentelemetry-api", version="1.45.2")
SDK = Package(
    name="opentelemetry-sdk",
    version="1.45.2",
    requires=(
        "opentelemetry-api==1.45.2",
        "opentelemetry-semantic-conventions (==0.66b2)",
        'x==1; extra == "opentelemetry-y"',
    ),
)
CONVENTIONS = Package(name="opentelemetry-semantic-conventions", version="0.66b2")


def flask(version: str, conventions: str) -> Package:
    requires = (f"opentelemetry-semantic-conventions=={conventions}", "opentelemetry-api ~=1.12", "wrapt<3")
    return Package(name="opentelemetry-instrumentation-flask", version=version, requires=requires)


def test_packages_of_one_release_fit() -> None:
    (finding,) = skew([API, SDK, CONVENTIONS, flask("0.66b2", "0.66b2")])
    assert finding.severity is Severity.OK
    assert "(api 1.45.2, sdk 1.45.2 and semantic-conventions 0.66b2)" in finding.what


def test_a_package_of_another_release_is_a_warning_that_says_what_to_install() -> None:
    (finding,) = skew([API, SDK, CONVENTIONS, flask("0.50b0", "0.50b0")])
    assert finding.severity is Severity.WARNING
    assert finding.what == "OpenTelemetry packages of different releases: opentelemetry-instrumentation-flask 0.50b0"
    assert "wants opentelemetry-semantic-conventions ==0.50b0 and finds 0.66b2" in finding.why
    assert finding.fix.endswith("--upgrade opentelemetry-semantic-conventions opentelemetry-instrumentation-flask")


def test_a_difference_within_a_release_is_only_worth_knowing() -> None:
    (finding,) = skew([API, SDK, CONVENTIONS, flask("0.66b1", "0.66b1")])
    assert finding.severity is Severity.INFO


def test_an_older_api_beside_a_newer_sdk_is_named() -> None:
    (finding,) = skew([Package(name="opentelemetry-api", version="1.30.0"), SDK, CONVENTIONS])
    assert (finding.severity, "opentelemetry-sdk 1.45.2" in finding.what) == (Severity.WARNING, True)


def test_many_are_summed_up() -> None:
    many = [
        Package(name=f"opentelemetry-instrumentation-{n}", version="0.50b0", requires=("opentelemetry-api==1.29.0",))
        for n in range(9)
    ]
    (finding,) = skew([API, *many])
    assert finding.what.endswith("and 6 more")


def test_other_peoples_packages_are_theirs() -> None:
    (finding,) = skew([API, Package(name="acme", version="1", requires=("opentelemetry-api<1",))])
    assert finding.severity is Severity.OK


def test_this_environment_can_be_read(around: Callable[..., Circumstances]) -> None:
    names = {package.name for package in installed()}
    assert {"heliograph", "opentelemetry-api", "opentelemetry-sdk"} <= names
    assert [finding for finding in examine_packages(around()) if finding.severity is Severity.ERROR] == []


@pytest.mark.parametrize(
    ("version", "severity"),
    [((3, 10, 1), Severity.ERROR), ((3, 11, 0), Severity.OK), ((3, 13, 9), Severity.OK), ((3, 99, 0), Severity.INFO)],
)
def test_pythons_are_those_that_are_tested(version: tuple[int, ...], severity: Severity) -> None:
    assert python(version).severity is severity


@pytest.mark.parametrize(
    ("version", "specifiers", "is_met"),
    [
        ("1.45.2", "==1.45.2", True),
        ("1.45", "==1.45.0", True),
        ("1.45.2", "==1.45.1", False),
        ("0.66b2", "==0.66b1", False),
        ("0.66b2", "== 0.66b2", True),
        ("0.66b2", ">=0.66b1,<1", True),
        ("0.66", ">0.66b9", True),
        ("0.66rc1", "<0.66", True),
        ("1.45.2", "~=1.12", True),
        ("2.0.0", "~=1.12", False),
        ("1.45.9", "~=1.45.2", True),
        ("1.46.0", "~=1.45.2", False),
        ("1.45.1", "~=1.45.2", False),
        ("1.45.2", "==1.45.*", True),
        ("1.46.0", "==1.45.*", False),
        ("1.46.0", "!=1.46.*", False),
        ("1.45.0", "!=1.46.*", True),
        ("1.46.0", "!=1.46.0", False),
        ("1.9.0", "<1.10", True),
        ("1.10.0", "<=1.9", False),
        ("1.0.0", "", True),
        ("nightly", "==1.0", True),
        ("1.0", "===1.0", True),
        ("1.0", "what", True),
    ],
)
def test_versions_are_compared_as_installers_do(version: str, specifiers: str, is_met: bool) -> None:
    assert fits(version, specifiers) is is_met
