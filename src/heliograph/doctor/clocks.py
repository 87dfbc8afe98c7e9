"""Whether this machine's clock and those of the servers agree, by the ``Date`` of their answers (RFC 9110, section 6.6.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from heliograph.doctor.finding import Finding, Severity
from heliograph.doctor.target import target_of
from heliograph.doctor.trial import Trial
from heliograph.exporters.deliveries import NETWORK

CHECK: Final = "clock"
_RESOLUTION_S: Final = 1.0
_WARNING_S: Final = 5.0
_ERROR_S: Final = 300.0


def skews(trials: Iterable[Trial]) -> Iterator[Finding]:
    """One finding for each server that says what time it is."""
    seen: set[str] = set()
    for trial in trials:
        date = _date_s(trial)
        if date is None or not isinstance(trial.wanted, NETWORK):
            continue
        place = target_of(trial.signal, trial.wanted).place
        if place not in seen:
            seen.add(place)
            yield _finding(place, skew_s(date, trial.began_at_s, trial.ended_at_s))


def skew_s(date_s: float, began_at_s: float, ended_at_s: float) -> float:
    """How far this machine's clock is ahead of a server's that said ``date_s``, in seconds, behind it when negative; 0 as long
    as the request's duration and the seconds that a Date is told in explain it."""
    if date_s > ended_at_s:
        return ended_at_s - date_s
    return max(0.0, began_at_s - (date_s + _RESOLUTION_S))


def _finding(place: str, ahead_s: float) -> Finding:
    off_s = abs(ahead_s)
    if off_s < _WARNING_S:
        return Finding(severity=Severity.OK, check=CHECK, what=f"this machine's clock agrees with that of {place}")
    direction = "ahead of" if ahead_s > 0 else "behind"
    return Finding(
        severity=Severity.ERROR if off_s >= _ERROR_S else Severity.WARNING,
        check=CHECK,
        what=f"this machine's clock is {_shown(off_s)} {direction} that of {place}",
        why="The server's answer says what time it is there. Spans of several machines do not fit together then, and servers "
        "drop what seems too old or to come from the future.",
        fix="synchronise the clocks (chrony, systemd-timesyncd; in a virtual machine with the host), here or there",
    )


def _shown(seconds: float) -> str:
    for size_s, unit in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * size_s:
            return f"{seconds / size_s:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _date_s(trial: Trial) -> float | None:
    if trial.answered is None:
        return None
    try:
        date = parsedate_to_datetime(str(trial.answered.headers.get("date")))
    except (ValueError, TypeError, IndexError, OverflowError):  # the parser's, for what is no date
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
