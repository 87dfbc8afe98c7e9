"""How trace ids travel from service to service: the propagators that the settings name, as OpenTelemetry's global one.

Called by the assembly at the start. Names are those of ``OTEL_PROPAGATORS``, which OpenTelemetry's API reads itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import Getter, default_getter

from heliograph.errors import SettingsError, SettingsFault
from heliograph.recording.plugins import installed, plugin

_GROUP: Final = "opentelemetry_propagator"
_NOBODY: Final = "none"
_PACKAGES: Final[Mapping[str, str]] = {
    "b3": "opentelemetry-propagator-b3",
    "b3multi": "opentelemetry-propagator-b3",
    "jaeger": "opentelemetry-propagator-jaeger",
    "ottrace": "opentelemetry-propagator-ot-trace",
    "xray": "opentelemetry-propagator-aws-xray",
}


class Propagators(CompositePropagator):
    """Several propagators, or none: of that OpenTelemetry's class makes a context that is None, which its callers attach."""

    def extract(self, carrier: Any, context: Context | None = None, getter: Getter[Any] = default_getter) -> Context:
        found: Context | None = super().extract(carrier, context, getter)
        return Context() if found is None else found


def set_propagators(names: Sequence[str] | None) -> None:
    """Let trace ids travel as the propagators of these ``names`` do, in their order; ``none`` for not at all, None for as it
    is. Raises :class:`~heliograph.errors.SettingsError` for each that is not installed."""
    if names is None:
        return
    found = [] if _NOBODY in names else _loaded(names)
    # Not before: with a name in OTEL_PROPAGATORS that it does not know, OpenTelemetry's module itself raises.
    from opentelemetry.propagate import set_global_textmap  # noqa: PLC0415

    set_global_textmap(Propagators(found))


def _loaded(names: Sequence[str]) -> list[Any]:
    built = {name: plugin(_GROUP, name) for name in dict.fromkeys(names)}
    if faults := [_fault(names.index(name), name) for name, build in built.items() if build is None]:
        raise SettingsError(faults)
    return [build() for build in built.values()]


def _fault(position: int, name: str) -> SettingsFault:
    remedy = f"run `pip install {_PACKAGES[name]}`" if name in _PACKAGES else "install the package that has it"
    expected = f"a propagator that is installed: {', '.join(installed(_GROUP))}, or {_NOBODY!r}; {remedy}"
    return SettingsFault(path=f"propagators[{position}]", given=repr(name), expected=expected)
