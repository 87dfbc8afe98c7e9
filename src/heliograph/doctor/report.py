"""What the doctor found, as text for people and as JSON for programs. Called by the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from heliograph.__about__ import __version__
from heliograph.doctor.finding import Finding, Severity, exit_code

_WIDTH: Final = max(map(len, Severity)) + 1
_EXPLAINED: Final = (Severity.WARNING, Severity.ERROR)
_COLOURS: Final = {Severity.OK: 32, Severity.INFO: 36, Severity.WARNING: 33, Severity.ERROR: 31}


def as_text(findings: Sequence[Finding], *, is_coloured: bool = False) -> str:
    """One line a finding, below warnings and errors why and what to do, and at the end how many there are of each."""
    lines: list[str] = []
    for finding in findings:
        word = f"{finding.severity:<{_WIDTH}}"
        lines.append(f"{_coloured(finding.severity, word) if is_coloured else word} {finding.what}")
        if finding.severity in _EXPLAINED:
            parts = (("why:", finding.why), ("fix:", finding.fix))
            lines += [f"{'':{_WIDTH}} {name} {text}" for name, text in parts if text]
    return "\n".join([*lines, "", _summary(findings)])


def as_json(findings: Sequence[Finding]) -> str:
    """Everything, with the exit code."""
    rows = [asdict(finding) for finding in findings]
    return json.dumps({"version": __version__, "exit_code": exit_code(findings), "findings": rows}, indent=2)


def _summary(findings: Sequence[Finding]) -> str:
    counts = {severity: sum(finding.severity is severity for finding in findings) for severity in Severity}
    nouns = {Severity.ERROR: "error", Severity.WARNING: "warning"}
    said = [f"{counts[severity]} {noun}{'' if counts[severity] == 1 else 's'}" for severity, noun in nouns.items()]
    return f"{' and '.join(said)}; {counts[Severity.OK]} ok" if any(counts[each] for each in nouns) else "nothing is wrong"


def _coloured(severity: Severity, word: str) -> str:
    return f"\x1b[{_COLOURS[severity]}m{word}\x1b[0m"
