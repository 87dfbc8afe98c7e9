"""Every exception that heliograph raises on purpose.

    HeliographError
    ├── SettingsError (ValueError)          settings with faults; all of them in one error
    ├── AlreadyStartedError (RuntimeError)  a manager with other settings is running
    ├── NotStartedError (LookupError)       there is no running manager
    ├── InstrumentError (ValueError)        an instrument that cannot be created as asked
    ├── CatalogueError (ValueError)         rows of a catalogue that cannot stand beside each other
    └── HealthCheckError (ValueError)       a check that cannot be registered, found or run

They are raised during set-up only. After set-up an instrumented call never raises into the application.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class HeliographError(Exception):
    """Base of every exception that heliograph raises on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFault:
    """One thing that is wrong in the settings.

    ``path`` is dotted with list positions in brackets (``tracing.exporters[1].endpoint``), ``given`` the ``repr`` of the
    value (or ``"nothing"``), ``expected`` says what would have been accepted. ``where`` is the place that it was read from
    (``heliograph.yaml:12``, ``HELIOGRAPH_TRACING__SAMPLE_RATE``), None for an argument.
    """

    path: str
    given: str
    expected: str
    where: str | None = None

    def __str__(self) -> str:
        said = f"{self.path}: given {self.given}, expected {self.expected}"
        return said if self.where is None else f"{self.where}: {said}"


class SettingsError(HeliographError, ValueError):
    """The settings have faults. The message lists each with its path, the value given and what was expected."""

    def __init__(self, faults: Sequence[SettingsFault]) -> None:
        self.faults = tuple(faults)
        noun = "fault" if len(self.faults) == 1 else "faults"
        lines = "".join(f"\n  {fault}" for fault in self.faults)
        super().__init__(f"{len(self.faults)} {noun} in the settings:{lines}")

    def __reduce__(self) -> tuple[type[SettingsError], tuple[Sequence[SettingsFault]]]:
        return type(self), (self.faults,)


class AlreadyStartedError(HeliographError, RuntimeError):
    """A manager is running with other settings. ``differences`` names each one that differs."""

    def __init__(self, differences: Sequence[str]) -> None:
        self.differences = tuple(differences)
        lines = "".join(f"\n  {difference}" for difference in self.differences)
        super().__init__(
            "a TelemetryManager is already running with other settings; "
            f"call shutdown() on it first, or start with the same settings. They differ in:{lines}"
        )

    def __reduce__(self) -> tuple[type[AlreadyStartedError], tuple[Sequence[str]]]:
        return type(self), (self.differences,)


class NotStartedError(HeliographError, LookupError):
    """There is no running manager."""

    def __init__(self) -> None:
        super().__init__("no TelemetryManager is running; call TelemetryManager.start(...) first")

    def __reduce__(self) -> tuple[type[NotStartedError], tuple[()]]:
        return type(self), ()


class InstrumentError(HeliographError, ValueError):
    """An instrument cannot be created as asked, for example under a name that is taken by another kind."""


class CatalogueError(HeliographError, ValueError):
    """A row of the catalogue of metrics cannot be as it was given, or not beside another one."""


class HealthCheckError(HeliographError, ValueError):
    """A health check cannot be registered, or no check has the name that was asked for."""
