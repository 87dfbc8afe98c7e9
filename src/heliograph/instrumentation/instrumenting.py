"""``telemetry.instrument()``: finds installed libraries and instruments them; takes it off again.

Called by the manager. What is instrumented is so for the whole process, so there is one :class:`Instrumentation` in it. A
library is touched when the program imports it, not before: nobody waits for what is installed but not used.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import logging
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, Protocol

from heliograph.instrumentation import table
from heliograph.instrumentation.conventions import choose_stable_http
from heliograph.instrumentation.discovery import Unit, installed, usable
from heliograph.instrumentation.headers import set_response_headers
from heliograph.instrumentation.probes import USUAL, Probes
from heliograph.instrumentation.table import Adoption
from heliograph.recording.logs.handler import LoggingHandler
from heliograph.settings import TelemetrySettings
from heliograph.text import described

logger = logging.getLogger("heliograph.instrumentation")

_VARIABLE: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
_EVERYTHING: Final = "*"
# What to do with an object of another class, by what is asked for.
_OTHERWISE: Final[Mapping[str, str]] = {
    "application": "put heliograph.integrations' TelemetryMiddleware around any other",
    "client": "True instruments every client",
    "engine": "True instruments every engine",
}


class Telemetry(Protocol):
    """Of a manager, what this needs."""

    settings: TelemetrySettings

    @property
    def is_enabled(self) -> bool: ...

    def logging_handler(self, level: int | str | None = None) -> LoggingHandler: ...


class Instrumentation:
    """What is instrumented in this process. The lock guards all of it; reentrant, for what is imported meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._units: dict[str, Unit] = {}  # what is installed
        self._awaited: dict[str, Unit] = {}  # to be instrumented when the program imports it
        self._adoptions: dict[str, Adoption] = {}
        self._instrumentors: list[Any] = []
        self._calls: list[tuple[Mapping[str, Any], dict[str, Any]]] = []  # to be made again with another manager
        self._materials: dict[str, Any] = {}  # what adoptions are made of

    def instrument(
        self,
        telemetry: Telemetry,
        environ: Mapping[str, str],
        targets: Mapping[str, Any],
        *,
        exclude: Collection[str] = (),
        response_headers: bool = True,
        probes: Sequence[str] | None = None,
    ) -> tuple[str, ...]:
        """Instrument ``targets``, or everything that is installed without any; see the manager's method."""
        if (
            not isinstance(exclude, Collection)
            or not all(isinstance(name, str) for name in exclude)
            or isinstance(exclude, str)
        ):
            raise TypeError(f"exclude was given {exclude!r}, expected a list or tuple of names")
        if probes is not None and (isinstance(probes, str) or not isinstance(probes, Sequence)):
            raise TypeError(f"probes were given {probes!r}, expected a list or tuple of paths")
        with self._lock:
            self._units = installed()
            options = {"exclude": exclude, "response_headers": response_headers, "probes": probes}
            asked = {name: target for name, target in targets.items() if target is not False}
            self._check_names(targets, exclude)
            if not telemetry.is_enabled:
                return ()
            self._begin(telemetry, environ, probes, response_headers=response_headers)
            left_out = {*exclude, *targets} - {*asked} | {name.strip() for name in environ.get(_VARIABLE, "").split(",")}
            names = self._take_asked(asked) if asked else self._take_all(left_out)
            # Objects are left to who owns them, and are known to who took them.
            kept = {name: target for name, target in targets.items() if isinstance(target, bool)} if asked else targets
            if (kept or not asked) and (kept, options) not in self._calls:
                self._calls.append((kept, options))
            return tuple(sorted(names))

    def renew(self, telemetry: Telemetry, environ: Mapping[str, str]) -> None:
        """Another manager records now: what is instrumented records there from now on. Never raises."""
        with self._lock:
            if not (self._calls or self._adoptions):
                return
            calls, taken = self._calls, {name: list(adoption.taken) for name, adoption in self._adoptions.items()}
            self.uninstrument()
            for targets, options in calls:
                _quietly("instrument()", functools.partial(self.instrument, telemetry, environ, targets, **options))
            self._begin(telemetry, environ, None, response_headers=all(options["response_headers"] for _t, options in calls))
            for name, objects in taken.items():
                for each in objects:
                    _quietly(name, functools.partial(self._adoption(self._units[name]).take, each))

    def _check_names(self, targets: Collection[str], exclude: Collection[str]) -> None:
        known = {*table.BY_NAME, *table.BY_ENTRY_POINT, *self._units} - {*table.REPLACED} | {_EVERYTHING}
        for name in targets:
            if name in table.REPLACED:
                raise ValueError(f"instrument() was given {name!r}, which is not needed: {table.REPLACED[name]}")
            if name not in known:
                raise table.unknown(name, known, "instrument()")
        for name in exclude:  # what is not installed here may be elsewhere, where the same line runs
            if name not in known and table.closest(name, known):
                raise table.unknown(name, known, "exclude")

    def _begin(
        self, telemetry: Telemetry, environ: Mapping[str, str], probes: Sequence[str] | None, *, response_headers: bool
    ) -> None:
        if any(unit.entry_points for unit in self._units.values()):
            choose_stable_http(environ)
            set_response_headers(is_on=response_headers)
        if not self._materials or probes is not None:
            metrics_path = telemetry.settings.effective_server.metrics_path
            self._materials = {
                "probes": Probes([*(USUAL if probes is None else probes), metrics_path]),
                "handler": telemetry.logging_handler(),
                "service_name": telemetry.settings.service_name,
            }

    def _take_all(self, left_out: Collection[str]) -> list[str]:
        names = []
        for unit in self._units.values():
            of_library = {unit.name} if unit.row is None else {unit.name, unit.row.name}
            is_part = unit.row is not None and unit.name != unit.row.name
            if is_part or unit.name in table.REPLACED or {_EVERYTHING, *of_library} & set(left_out):
                continue
            if unit.conflict is not None:
                level = logging.DEBUG if unit.is_absent else logging.INFO
                logger.log(level, "%s is not instrumented: %s", unit.name, unit.conflict)
                continue
            self._arm(unit, left_out)
            names.append(unit.name)
        return names

    def _arm(self, unit: Unit, left_out: Collection[str] = ()) -> None:
        """Instrument when the program imports the library; now when it has, or when it is not known what it imports."""
        kept = tuple(point for point in unit.entry_points if point.name not in left_out)
        unit = Unit(name=unit.name, row=unit.row, entry_points=kept)
        if unit.module is None:
            _quietly(unit.name, lambda: self._use(unit))
            return
        # Comes with the instrumentation packages, which are built on it.
        import wrapt  # noqa: PLC0415

        self._awaited[unit.name] = unit
        wrapt.register_post_import_hook(lambda _module: self._imported(unit.name), unit.module)

    def _imported(self, name: str) -> None:
        with self._lock:
            unit = self._awaited.pop(name, None)
            if unit is not None:
                _quietly(name, lambda: self._use(unit))

    def _use(self, unit: Unit) -> None:
        if unit.row is not None and unit.row.adoption is not None:
            self._adoption(unit).take_all()
            return
        for instrumentor in unit.instrumentors():
            if not instrumentor.is_instrumented_by_opentelemetry:  # by us, or by the application itself
                instrumentor.instrument()
                self._instrumentors.append(instrumentor)

    def _take_asked(self, asked: Mapping[str, Any]) -> list[str]:
        # Each is looked at before the first is changed: an error leaves everything as it was.
        units = {name: usable(self._units.get(name), name, table.BY_NAME) for name in asked}
        for take, (name, target) in itertools.product((self._check_one, self._take_one), asked.items()):
            unit = units[name]
            try:
                take(unit, name, target)
            except ImportError as error:
                extra = unit.row.extra if unit.row is not None else None
                remedy = f"; install heliograph[{extra}]" if extra else ""
                raise ImportError(f"instrument({name}=...): {error}{remedy}") from error
        return list(asked)

    def _check_one(self, unit: Unit, name: str, target: Any) -> None:
        if target is True:
            return
        if unit.row is None or unit.row.target is None:
            raise TypeError(f"instrument({name}=...) was given {target!r}, expected True or False")
        kinds = self._adoption(unit).kinds
        for each in target if isinstance(target, (list, tuple)) else (target,):
            if not isinstance(each, kinds):
                classes = " or ".join(f"{kind.__module__}.{kind.__qualname__}" for kind in kinds)
                raise TypeError(
                    f"instrument({name}=...) was given {each!r}, expected True, False or the {unit.row.target} itself, "
                    f"of class {classes}; {_OTHERWISE[unit.row.target]}"
                )

    def _take_one(self, unit: Unit, name: str, target: Any) -> None:
        if target is True:
            if unit.module is None or unit.module in sys.modules:
                self._use(unit)
            else:
                self._arm(unit)
            return
        for each in target if isinstance(target, (list, tuple)) else (target,):
            self._adoption(unit).take(each)

    def _adoption(self, unit: Unit) -> Adoption:
        found = self._adoptions.get(unit.name)
        if found is None:
            assert unit.row is not None
            assert unit.row.adoption is not None
            module, _colon, name = unit.row.adoption.partition(":")
            make = getattr(import_module(module), name)
            wanted = inspect.signature(make).parameters
            found = make(**{name: material for name, material in self._materials.items() if name in wanted})
            self._adoptions[unit.name] = found
        return found

    def uninstrument(self) -> None:
        """Take everything off again that :meth:`instrument` did."""
        with self._lock:
            self._awaited.clear()
            adoptions, self._adoptions = self._adoptions, {}
            instrumentors, self._instrumentors = self._instrumentors, []
            self._calls, self._materials = [], {}
            for name, adoption in adoptions.items():
                _quietly(name, adoption.let_go)
            for instrumentor in instrumentors:
                _quietly(type(instrumentor).__name__, instrumentor.uninstrument)
            if any(unit.entry_points for unit in self._units.values()):
                set_response_headers(is_on=False)


def _quietly(name: str, change: Callable[[], Any]) -> None:
    try:
        change()
    except ModuleNotFoundError as error:  # a library that is not there, or not whole
        logger.debug("%s is left alone: %s", name, error)
    except Exception as error:  # a package's; the program that imports the library goes on, and so do the other libraries
        logger.warning("%s: cannot change its instrumentation: %s", name, described(error))


INSTRUMENTATION: Final = Instrumentation()
