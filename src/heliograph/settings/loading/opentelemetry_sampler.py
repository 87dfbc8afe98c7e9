"""OTEL_TRACES_SAMPLER and its argument, as the share of traces that is kept.

Source: OpenTelemetry specification, "Environment Variable Specification", and opentelemetry-sdk's names of samplers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from heliograph.settings.kinds import number
from heliograph.settings.loading.layer import Place
from heliograph.settings.loading.opentelemetry_variable import Meaning

_RATE: Final[Place] = ("tracing", "sample_rate")
_SAMPLER: Final = "OTEL_TRACES_SAMPLER"
_ARGUMENT: Final = "OTEL_TRACES_SAMPLER_ARG"

# The share that each keeps of new traces; None for what its argument says.
SAMPLERS: Final[Mapping[str, float | None]] = {
    "parentbased_always_on": 1.0,
    "parentbased_always_off": 0.0,
    "parentbased_traceidratio": None,
    "always_on": 1.0,
    "always_off": 0.0,
    "traceidratio": None,
}
_ratio: Final = number(0, 1)


def sampler(text: str, environ: Mapping[str, str]) -> Meaning:
    """What OTEL_TRACES_SAMPLER says, without its argument."""
    name = text.lower()
    if name not in SAMPLERS:
        raise ValueError(f"one of {', '.join(map(repr, SAMPLERS))}")
    rate = SAMPLERS[name]
    remarks: tuple[str, ...] = () if name.startswith("parentbased_") else (not_parent_based(name),)
    if rate is None and not environ.get(_ARGUMENT, "").strip():
        remarks += (f"{name} has no ratio, so every trace is kept; set {_ARGUMENT}",)
    return Meaning(values={_RATE: 1.0 if rate is None else rate}, remarks=remarks)


def sampler_argument(text: str, environ: Mapping[str, str]) -> Meaning:
    """What OTEL_TRACES_SAMPLER_ARG says, where the sampler takes one."""
    name = environ.get(_SAMPLER, "").strip().lower()
    if name not in SAMPLERS:
        return Meaning(remarks=(f"it is not used: {_SAMPLER} names no sampler that takes a ratio",))
    if SAMPLERS[name] is not None:
        return Meaning(remarks=(f"it is not used: {_SAMPLER}={name} takes no argument",))
    return Meaning(values={_RATE: _ratio(text)})


def not_parent_based(name: str) -> str:
    """The remark on a sampler that would decide again for each span."""
    return f"{name} holds for new traces only: a span whose parent was decided on elsewhere follows that"
