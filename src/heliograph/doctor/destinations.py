"""The check of the destinations: each gets one item of its signal, and what it answers is read. Called by `examination.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import urlsplit

from heliograph.doctor import clocks
from heliograph.doctor.cause import Cause
from heliograph.doctor.circumstances import Circumstances, path_of
from heliograph.doctor.diagnosis import Diagnosis
from heliograph.doctor.finding import Finding, Severity
from heliograph.doctor.target import target_of, without_credentials
from heliograph.doctor.trial import Trial, trials
from heliograph.doctor.wording import listed
from heliograph.exporters.deliveries import NETWORK
from heliograph.exporters.jaeger import otlp_endpoint
from heliograph.pipeline.outcome import Delivered
from heliograph.settings.exporters import ConsoleExporter, FileExporter, JaegerExporter, MemoryExporter, OtlpExporter

CHECK: Final = "destination"
SECTIONS: Final[Mapping[str, str]] = {"traces": "tracing", "metrics": "metrics", "logs": "logs"}
_AT_ONCE: Final = 8


def examine_destinations(around: Circumstances) -> Iterator[Finding]:
    """What each destination did with one item; then whether the servers' clocks agree with this one."""
    ended = trials(around.settings, around.clock)
    diagnosis = Diagnosis(around.environ, around.clock, _accepted(ended))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        causes = list(pool.map(lambda trial: _cause(trial, diagnosis), ended))
    together: dict[tuple[str, str, Cause], list[Trial]] = {}
    for trial, cause in zip(ended, causes, strict=True):
        together.setdefault((trial.wanted.destination, _where(trial.wanted), cause), []).append(trial)
    for (destination, where, cause), same in together.items():
        yield _finding(destination, where, cause, same, around)
    yield from _jaeger(around)
    yield from _exposed(around, ended)
    yield from _unsent(around, ended)
    yield from clocks.skews(ended)


def _accepted(ended: Iterable[Trial]) -> dict[str, list[str]]:
    """What each server took."""
    found: dict[str, list[str]] = {}
    for trial in ended:
        if isinstance(trial.outcome, Delivered) and isinstance(trial.wanted, NETWORK):
            found.setdefault(target_of(trial.signal, trial.wanted).place, []).append(trial.signal)
    return found


def _cause(trial: Trial, diagnosis: Diagnosis) -> Cause:
    if trial.fault:
        return Cause(what="a file for TLS cannot be used", why=f"{trial.fault}.", fix="correct tls in {exporter}")
    if isinstance(trial.wanted, NETWORK):
        return diagnosis.cause(trial, target_of(trial.signal, trial.wanted))
    return _local(trial)


def _local(trial: Trial) -> Cause:
    """Of a destination on this machine."""
    if isinstance(trial.outcome, Delivered) and not trial.outcome.unencodable:
        return Cause(severity=Severity.OK, what=_LOCAL.get(type(trial.wanted), "accepted"), why="", fix="")
    reason = trial.outcome.reason if trial.outcome is not None else "it did not end in time"
    if isinstance(trial.wanted, FileExporter):
        fix = "set path in {exporter} to a place that this user may write to, and that has room"
        return Cause(what="the file cannot be written", why=f"{_sentence(reason)}", fix=fix)
    return Cause(what="it was not taken", why=_sentence(reason), fix="look at what standard output is connected to")


_LOCAL: Final[Mapping[type[Any], str]] = {
    FileExporter: "written",
    ConsoleExporter: "printed (on standard output, where it is swallowed here)",
    MemoryExporter: "kept in memory, which is for tests: nobody else sees it",
}


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}."


def _where(wanted: Any) -> str:
    if isinstance(wanted, NETWORK):
        return f"{without_credentials(wanted.endpoint)}, {'gRPC' if wanted.protocol == 'grpc' else 'HTTP'}"
    return str(wanted.path) if isinstance(wanted, FileExporter) else ""


def _finding(destination: str, where: str, cause: Cause, same: list[Trial], around: Circumstances) -> Finding:
    signals = ", ".join(trial.signal for trial in same)
    exporters = _places(same, around)
    network = [trial for trial in same if isinstance(trial.wanted, NETWORK)]
    paths = listed([target_of(trial.signal, trial.wanted).path for trial in network])

    def filled(text: str) -> str:
        for name, shown in (("exporter", exporters), ("signals", listed([trial.signal for trial in same])), ("paths", paths)):
            text = text.replace(f"{{{name}}}", shown)
        return text

    took_ms = max((trial.ended_at_s - trial.began_at_s) * 1000 for trial in same)
    is_timed = cause.severity is Severity.OK and isinstance(same[0].wanted, NETWORK)
    what = f"{signals} to {destination}{f' ({where})' if where else ''}: {filled(cause.what)}"
    return Finding(
        severity=cause.severity,
        check=CHECK,
        what=f"{what} in {max(took_ms, 0):.0f} ms" if is_timed else what,
        why=filled(cause.why),
        fix=filled(cause.fix),
    )


def _places(same: list[Trial], around: Circumstances) -> str:
    """The exporters' places; where they come from once, if it is the same for all."""
    places = [(SECTIONS[trial.signal], "exporters", trial.position) for trial in same]
    sources = {around.source((*place, "endpoint")) for place in places}
    if len(sources) > 1:
        return listed([_place(trial.signal, trial.position, around) for trial in same])
    return around.sourced(listed([path_of(place) for place in places]), (*places[0], "endpoint"))


def _place(signal: str, position: int, around: Circumstances) -> str:
    place = (SECTIONS[signal], "exporters", position)
    return around.sourced(path_of(place), (*place, "endpoint"))


def _jaeger(around: Circumstances) -> Iterator[Finding]:
    """Endpoints for Thrift, which are mapped with a warning (Jaeger) or cannot work (OTLP)."""
    for position, wanted in enumerate(around.settings.tracing.exporters if around.settings.tracing.enabled else ()):
        if not isinstance(wanted, (JaegerExporter, OtlpExporter)):
            continue
        mapped, warning = otlp_endpoint(wanted.endpoint, wanted.protocol)
        if warning is not None:
            is_mapped = isinstance(wanted, JaegerExporter)
            then = f"OTLP is sent to {mapped} instead" if is_mapped else "and this exporter sends OTLP to it all the same"
            yield Finding(
                severity=Severity.WARNING,
                check=CHECK,
                what=f"traces to {wanted.destination}: {without_credentials(wanted.endpoint)} is an endpoint for Thrift",
                why=f"No OpenTelemetry exporter speaks Jaeger's Thrift any more; {then}.",
                fix=f"set the endpoint of {_place('traces', position, around)} to '{mapped}'",
            )


def _exposed(around: Circumstances, ended: Iterable[Trial]) -> Iterator[Finding]:
    """Credentials that leave the machine in plain text."""
    for trial in ended:
        if not isinstance(trial.wanted, NETWORK) or not trial.wanted.headers:
            continue
        target = target_of(trial.signal, trial.wanted)
        if target.is_tls or target.host == "localhost" or target.host.startswith(("127.", "::1")):
            continue
        yield Finding(
            severity=Severity.WARNING,
            check=CHECK,
            what=f"{trial.signal} to {trial.wanted.destination}: headers go to {target.place} in plain text",
            why="The endpoint is http://, so that everybody on the way can read what may be credentials.",
            fix=f"set the endpoint of {_place(trial.signal, trial.position, around)} to https://, if the server speaks TLS",
        )


def _unsent(around: Circumstances, ended: Iterable[Trial]) -> Iterator[Finding]:
    """A user and a password in an endpoint, which other programs send as they are."""
    together: dict[str, list[Trial]] = {}
    for trial in ended:
        if isinstance(trial.wanted, NETWORK) and "@" in urlsplit(trial.wanted.endpoint).netloc:
            together.setdefault(trial.wanted.destination, []).append(trial)
    for destination, same in together.items():
        yield Finding(
            severity=Severity.WARNING,
            check=CHECK,
            what=f"{', '.join(trial.signal for trial in same)} to {destination}: the credentials in the endpoint are not sent",
            why="Only headers carry credentials.",
            fix=f"take them out of the endpoint of {_places(same, around)}, and set headers there: "
            "{authorization: ...} to 'Basic ' and user:password in base64",
        )
