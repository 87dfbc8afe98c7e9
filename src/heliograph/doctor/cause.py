"""Why a destination did not take what it was sent: made by `answers.py`, `encryption.py`, `crossing.py` and `reaching.py`."""

from __future__ import annotations

from dataclasses import dataclass

from heliograph.doctor.finding import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The same for the same cause, so that signals that share it are said together. In the texts ``{exporter}``
    stands for the exporter's place in the settings, ``{signals}`` for what is sent by it, ``{paths}`` for
    where it is posted."""

    what: str
    why: str
    fix: str
    severity: Severity = Severity.ERROR
