"""The check of the versions: whether the installed OpenTelemetry packages fit each other, and this Python.

Called by `examination.py`. The API, the SDK and the packages around them are released together and ask for each other in exact
versions; an installer that was told to ignore that, or two requirements files, leave some behind.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Final

from heliograph.doctor.circumstances import Circumstances
from heliograph.doctor.finding import Finding, Severity
from heliograph.doctor.versions import fits
from heliograph.doctor.wording import listed

CHECK: Final = "versions"
_PREFIX: Final = "opentelemetry-"
_REQUIREMENT: Final = r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*\(?([^;)]*)\)?\s*(;.*)?"
_OLDEST_PYTHON: Final = (3, 11)
_NEWEST_TRIED: Final = (3, 13)
_MOST_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An installed distribution: its name, its version, and what it requires."""

    name: str
    version: str
    requires: tuple[str, ...] = ()


def installed() -> list[Package]:
    """Every distribution of this environment, the first of each name, as Python finds them."""
    found: dict[str, Package] = {}
    for distribution in metadata.distributions():
        name = normal(distribution.metadata["Name"] or "")
        if name and name not in found:
            found[name] = Package(name=name, version=distribution.version, requires=tuple(distribution.requires or ()))
    return list(found.values())


def examine_packages(_around: Circumstances) -> Iterator[Finding]:
    """The versions of this environment."""
    yield from skew(installed())
    yield python(sys.version_info[:3])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unmet:
    """What a package asks of another one and does not get."""

    asker: Package
    name: str
    have: str
    wanted: str

    @property
    def is_slight(self) -> bool:
        """Whether both are of one release, as 0.66b1 and 0.66b2 are."""
        return re.findall(r"\d+", self.have)[:2] == re.findall(r"\d+", self.wanted)[:2]

    def __str__(self) -> str:
        return f"{self.asker.name} {self.asker.version} wants {self.name} {self.wanted} and finds {self.have}"


def skew(packages: Iterable[Package]) -> Iterator[Finding]:
    """What OpenTelemetry packages ask of each other, and do not get."""
    known = {package.name: package.version for package in packages}
    unmet = [
        _Unmet(asker=package, name=name, have=known[name], wanted=wanted)
        for package in packages
        for name, wanted in _asked(package)
        if name in known and not fits(known[name], wanted)
    ]
    for severity, is_slight in ((Severity.WARNING, False), (Severity.INFO, True)):
        if some := [each for each in unmet if each.is_slight is is_slight]:
            yield _misfits(severity, some)
    if not unmet:
        core = [f"{name.removeprefix(_PREFIX)} {known[name]}" for name in _CORE if name in known]
        yield Finding(severity=Severity.OK, check=CHECK, what=f"the OpenTelemetry packages fit each other ({listed(core)})")


def _misfits(severity: Severity, unmet: list[_Unmet]) -> Finding:
    askers = list(dict.fromkeys(f"{each.asker.name} {each.asker.version}" for each in unmet))
    involved = dict.fromkeys(name for each in unmet for name in (each.name, each.asker.name))
    return Finding(
        severity=severity,
        check=CHECK,
        what=f"OpenTelemetry packages of different releases: {listed(_some(askers))}",
        why=f"{'; '.join(_some([str(each) for each in unmet]))}.",
        fix=f"install them together: pip install --upgrade {' '.join(involved)}",
    )


def _some(names: list[str]) -> list[str]:
    return names if len(names) <= _MOST_SHOWN else [*names[:_MOST_SHOWN], f"{len(names) - _MOST_SHOWN} more"]


_CORE: Final = ("opentelemetry-api", "opentelemetry-sdk", "opentelemetry-semantic-conventions")


def _asked(package: Package) -> Iterator[tuple[str, str]]:
    if not package.name.startswith(_PREFIX) and package.name != "heliograph":
        return
    for requirement in package.requires:
        found = re.fullmatch(_REQUIREMENT, requirement.strip())
        if found is not None and "extra" not in (found[3] or "") and normal(found[1]).startswith(_PREFIX):
            yield normal(found[1]), found[2].strip()


def normal(name: str) -> str:
    """The name of a distribution as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def python(version: tuple[int, ...]) -> Finding:
    """Whether heliograph is known to work on this Python."""
    shown = ".".join(map(str, version))
    if version[:2] < _OLDEST_PYTHON:
        fix = "use Python 3.11 or newer"
        return Finding(severity=Severity.ERROR, check="python", what=f"Python {shown} is too old", why="", fix=fix)
    if version[:2] > _NEWEST_TRIED:
        why = f"heliograph is tested up to Python {'.'.join(map(str, _NEWEST_TRIED))}."
        return Finding(
            severity=Severity.INFO, check="python", what=f"Python {shown} is newer than those that are tested", why=why
        )
    return Finding(severity=Severity.OK, check="python", what=f"Python {shown}")
