"""All checks, one row each, in the order in which their findings are shown. Called by the command line.

The settings may not load at all: their faults are findings then, and the checks that need no settings run all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from heliograph.doctor import destinations, directories, libraries, packages, ports, switches, workers
from heliograph.doctor.circumstances import Circumstances
from heliograph.doctor.finding import Finding, Severity
from heliograph.errors import SettingsError, SettingsFault
from heliograph.text import described

Check = Callable[[Circumstances], Iterable[Finding]]


def _settings(around: Circumstances) -> Iterator[Finding]:
    """Where they come from, and what is set and has no effect."""
    if around.file is not None:
        yield Finding(severity=Severity.OK, check="settings", what=f"settings are read from {around.file}")
    elif not around.settings.fields_set:
        yield Finding(
            severity=Severity.INFO,
            check="settings",
            what="neither a file nor the environment sets anything: these are the defaults",
            why="What an application gives to TelemetryManager.start() is not seen from here.",
            fix="put it into heliograph.yaml or into the environment, and run this again there",
        )
    for notice in around.notices:
        yield Finding(severity=Severity.WARNING, check="settings", what=notice, why="", fix="")


CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("settings", _settings),
    (switches.CHECK, switches.examine_switches),
    (destinations.CHECK, destinations.examine_destinations),
    (ports.CHECK, ports.examine_port),
    (directories.CHECK, directories.examine_directories),
    (workers.CHECK, workers.examine_workers),
    (packages.CHECK, packages.examine_packages),
    (libraries.CHECK, libraries.examine_libraries),
)
_WHOLE_FILE: Final = "file"  # the path of a fault that no setting has
_WITHOUT_SETTINGS: Final = frozenset({packages.CHECK, libraries.CHECK})


def examine(around: Circumstances, *, only: Iterable[str] | None = None) -> list[Finding]:
    """Run the checks, or those named in ``only``, and return what they found, in their order. None of them raises."""
    wanted = set(only) if only is not None else {name for name, _check in CHECKS}
    return [finding for name, check in CHECKS if name in wanted for finding in _run(name, check, around)]


def faults(error: SettingsError) -> list[Finding]:
    """One finding for each fault of settings that do not load."""
    return [
        Finding(
            severity=Severity.ERROR,
            check="settings",
            what=str(fault),
            why="With this fault the application does not start.",
            fix=_correction(fault),
        )
        for fault in error.faults
    ]


def _correction(fault: SettingsFault) -> str:
    if fault.path == _WHOLE_FILE:
        return f"correct {fault.where or 'the name of the file'}"
    return f"correct {fault.path}" if fault.where is None else f"correct {fault.path} ({fault.where})"


def examine_without_settings(around: Circumstances) -> list[Finding]:
    """The checks that need none."""
    return examine(around, only=_WITHOUT_SETTINGS)


def _run(name: str, check: Check, around: Circumstances) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check(around))
    except Exception as error:  # one check that fails shall not cost the others
        what = f"the check {name!r} itself failed"
        fix = "tell heliograph's maintainers, with the output of heliograph doctor --json"
        found.append(Finding(severity=Severity.WARNING, check=name, what=what, why=f"{described(error)}.", fix=fix))
    return found
