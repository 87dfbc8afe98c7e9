"""Loads the settings: argument > environment > file > preset > default, each value with its source.

Called by ``TelemetryManager.start``, ``TelemetrySettings.load`` and the commands. Each source is a module beside this one that
makes a layer; nothing here reads the environment or the file system but what it is given. A source that has nothing to say
is not imported: that would be most of the time that a start takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from heliograph.errors import SettingsError, SettingsFault
from heliograph.settings.loading.finding import Choice, chosen_file
from heliograph.settings.loading.layer import Layer, Place, Source
from heliograph.settings.loading.merge import Merged
from heliograph.settings.model import TelemetrySettings
from heliograph.settings.presets import PRESETS

_OURS: Final = ("HELIOGRAPH_",)
_THEIRS: Final = ("OTEL_", "TELEMETRY_", "PROMETHEUS_")
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class Loaded(NamedTuple):
    """Settings, and where each is from. ``notices`` name what was set but is ignored; ``file`` is the one that was read."""

    settings: TelemetrySettings
    notices: tuple[str, ...]
    file: Path | None
    merged: Merged

    def source(self, place: Place) -> Source:
        """Where the value at ``place`` is from; of a section, where the uppermost of its values is from."""
        return self.merged.source(place)

    def written(self, place: Place) -> str | None:
        """How the file has the value at ``place``, when a variable was put into it: what that held is not to be shown."""
        return self.merged.written(place)


def load(
    options: Mapping[str, Any] | None = None,
    *,
    file: str | Path | None = None,
    environ: Mapping[str, str] = _NONE,
    folder: Path = Path(),
) -> Loaded:
    """Load the settings from everywhere: ``options`` (the fields of TelemetrySettings), ``environ``, a file, the preset that
    one of these names, and the defaults.

    The file is ``file``, else the one that ``HELIOGRAPH_CONFIG_FILE`` or ``OTEL_CONFIG_FILE`` names, else the first of
    ``heliograph.yaml``, ``.yml``, ``.toml``, ``.json`` and ``pyproject.toml`` (with ``[tool.heliograph]``) in ``folder``.
    Raises :class:`~heliograph.errors.SettingsError` with every fault and where each was read. Thread-safe.
    """
    choice = chosen_file(file, environ, folder)
    layers = [Layer(kind="argument", values=_unwrapped(options or {})), *_variables(environ)]
    return _loaded(layers, choice, environ, is_refined=_has(environ, _THEIRS))


def load_file(file: str | Path, *, environ: Mapping[str, str] = _NONE) -> Loaded:
    """Load the settings from one file alone. ``environ`` is only for the variables that it refers to."""
    return _loaded([], Choice(path=Path(file), shown=str(file)), environ, is_refined=False)


def _loaded(upper: Sequence[Layer], choice: Choice | None, environ: Mapping[str, str], *, is_refined: bool) -> Loaded:
    layers = [*upper]
    if choice is not None:
        from heliograph.settings.loading.file import file_layer  # noqa: PLC0415  # see above

        layers.append(file_layer(choice, environ))
    merged = Merged([*layers, *_preset(layers)])
    if "server" in merged.values:
        from heliograph.settings.loading.serving import served  # noqa: PLC0415  # see above

        merged.refine(served(merged.values, merged.kind))
    if is_refined:
        from heliograph.settings.loading.opentelemetry import with_otlp_options  # noqa: PLC0415  # see above

        options = with_otlp_options(merged.values, merged.kind, environ)
        layers.append(options)
        merged.refine(options)
    faults = [*(fault for layer in layers for fault in layer.faults), *merged.faults]
    settings = _validated(merged, faults)
    notices = (*(choice.notices if choice is not None else ()), *(notice for layer in layers for notice in layer.notices))
    return Loaded(
        settings=settings,
        notices=tuple(dict.fromkeys(notices)),
        file=choice.path if choice is not None else None,
        merged=merged,
    )


def _variables(environ: Mapping[str, str]) -> Iterator[Layer]:
    if _has(environ, _OURS):
        from heliograph.settings.loading.environment import environment_layer  # noqa: PLC0415  # see above

        yield environment_layer(environ)
    if _has(environ, _THEIRS):
        from heliograph.settings.loading.opentelemetry import opentelemetry_layer  # noqa: PLC0415  # see above

        yield opentelemetry_layer(environ)


def _has(environ: Mapping[str, str], beginnings: tuple[str, ...]) -> bool:
    return any(name.startswith(beginnings) for name in environ)


def _unwrapped(options: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = options.get("telemetry")
    return inner if len(options) == 1 and isinstance(inner, Mapping) else options


def _preset(layers: Sequence[Layer]) -> list[Layer]:
    name = next((layer.values["preset"] for layer in layers if "preset" in layer.values), None)
    values = PRESETS.get(name) if isinstance(name, str) else None
    return [Layer(kind="preset", values=values, places={(): str(name)})] if values is not None else []


def _validated(merged: Merged, faults: list[SettingsFault]) -> TelemetrySettings:
    try:
        settings = TelemetrySettings(**merged.values)
    except SettingsError as error:
        from heliograph.settings.loading.locating import located  # noqa: PLC0415  # see above

        said = {fault.path for fault in faults}
        faults += [fault for fault in located(error.faults, merged) if fault.path not in said]
    if faults:
        raise SettingsError(list(dict.fromkeys(faults)))
    return settings
