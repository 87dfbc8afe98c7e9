"""The check of what the settings and the environment switch off, and what goes nowhere. Called by `examination.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from heliograph.doctor.circumstances import Circumstances
from heliograph.doctor.finding import Finding, Severity
from heliograph.doctor.wording import listed

CHECK: Final = "switches"
_TRUE: Final = frozenset({"true", "yes", "on", "1"})


def examine_switches(around: Circumstances) -> Iterator[Finding]:
    """Everything that would make telemetry silent though nothing fails."""
    yield from _whole(around)
    yield from _signals(around)
    yield from _sampling(around)
    yield from _nameless(around)


def _whole(around: Circumstances) -> Iterator[Finding]:
    environ = around.environ
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":  # whatever the settings say
        yield _off("OTEL_SDK_DISABLED is 'true' in the environment", "unset OTEL_SDK_DISABLED")
    elif not around.settings.enabled:
        yield _off(f"{around.named(('enabled',))} is off", "set enabled to true (HELIOGRAPH_ENABLED=true)")
    is_asked_for = environ.get("HELIOGRAPH_ENABLED", "").strip().lower() in _TRUE or "enabled" in around.settings.fields_set
    if "PYTEST_VERSION" in environ and not is_asked_for:
        what = "telemetry is switched off under pytest, unless HELIOGRAPH_ENABLED=true"
        yield Finding(severity=Severity.INFO, check=CHECK, what=what, why="PYTEST_VERSION is set.")


def _off(why: str, fix: str) -> Finding:
    what = "telemetry is switched off: the application records nothing"
    return Finding(severity=Severity.WARNING, check=CHECK, what=what, why=f"{why}.", fix=fix)


def _signals(around: Circumstances) -> Iterator[Finding]:
    settings = around.settings
    sections = (
        ("tracing", "traces", settings.tracing),
        ("metrics", "metrics", settings.metrics),
        ("logs", "logs", settings.logs),
    )
    off = [name for name, _signal, section in sections if not section.enabled]
    nowhere = [name for name, _signal, section in sections if section.enabled and not section.exporters]
    if off:
        what = f"{listed([signal for name, signal, _section in sections if name in off])}: switched off"
        places = listed([around.named((name, "enabled")) for name in off])
        yield Finding(severity=Severity.INFO, check=CHECK, what=what, why=f"{places} is off.", fix="")
    if nowhere:
        signals = listed([signal for name, signal, _section in sections if name in nowhere])
        yield Finding(
            severity=Severity.WARNING if len(nowhere) + len(off) == len(sections) else Severity.INFO,
            check=CHECK,
            what=f"{signals}: no destination, so they are recorded and go nowhere",
            why=f"{listed([f'{name}.exporters' for name in nowhere])}: nothing is in there.",
            fix=f"name exporters, such as {nowhere[0]}.exporters: [otlp], or set OTEL_EXPORTER_OTLP_ENDPOINT",
        )


def _sampling(around: Circumstances) -> Iterator[Finding]:
    tracing = around.settings.tracing
    if not (tracing.enabled and tracing.exporters) or tracing.sample_rate >= 1:
        return
    place = around.named(("tracing", "sample_rate"))
    if tracing.sample_rate == 0 and not tracing.sample_rules and not tracing.is_tail_sampled:
        what, why = "traces: none is kept", f"{place} is 0."
        yield Finding(
            severity=Severity.WARNING, check=CHECK, what=what, why=why, fix="set tracing.sample_rate above 0, up to 1"
        )
        return
    kept = [name for name, is_so in (("failed", tracing.keep_errors), ("were slow", tracing.keep_slower_than)) if is_so]
    rest = f", and those that {listed(kept, 'or')}" if kept else ""
    yield Finding(
        severity=Severity.INFO,
        check=CHECK,
        what=f"traces: {tracing.sample_rate:.3g} of them are kept{rest}",
        why=f"{place} is {tracing.sample_rate:g}: what you look for may be one of the others.",
        fix="set tracing.sample_rate to 1 while you look for something",
    )


def _nameless(around: Circumstances) -> Iterator[Finding]:
    name = around.settings.service_name
    is_named = "OTEL_SERVICE_NAME" in around.environ or "service.name=" in around.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    if name.startswith("unknown_service") and not is_named and "service.name" not in around.settings.resource:
        yield Finding(
            severity=Severity.INFO,
            check=CHECK,
            what=f"service_name is not set: the service appears as {name!r}, as all others without a name do",
            why="service_name is not set.",
            fix="set service_name (HELIOGRAPH_SERVICE_NAME or OTEL_SERVICE_NAME)",
        )
