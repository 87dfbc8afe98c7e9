"""The six invariants of the fault matrix, one function each. :func:`hold` asks for all of them; every row does."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from tests.faults.rig.receiving import Oracle
from tests.faults.rig.subjects import Run

MIB = 2**20
_LOG_LINE = re.compile(r"^LOG (?P<process>\d+) (?P<at>[0-9.]+) (?P<logger>\S+) (?P<level>\S+) (?P<text>.*)$")
_COUNTS = ("accepted", "delivered", "pending", "spooled", "recovered", "retried", "duplicated_at_most")


def is_balanced(account: dict[str, Any]) -> bool:
    """Whether an account is right in itself: each accepted item in exactly one place, and the parts within their wholes."""
    parts = [account["delivered"], account["pending"], *account["dropped"].values()]
    return (
        account["accepted"] == sum(parts)
        and min(parts) >= 0
        and 0 <= account["spooled"] <= account["pending"]
        and 0 <= account["recovered"] <= account["accepted"]
    )


def i1_every_item_is_accounted_for(runs: Iterable[Run], oracle: Oracle, signals: Iterable[str] = ("traces",)) -> None:
    """``accepted = delivered_unique + sum(dropped) + pending``: in each line of each run, and against what the oracle has.

    An attempt whose answer was lost may have arrived all the same: only these, which ``duplicated_at_most`` bounds, may
    make what arrived differ from what was delivered.
    """
    runs = list(runs)
    for run in runs:
        for line in (*run.ticks, *run.finals):
            for name, account in line["ledger"].items():
                assert is_balanced(account), f"{name} does not add up: {account}"
        for earlier, later in itertools.pairwise(run.ticks):
            for name, account in later["ledger"].items():
                before = earlier["ledger"].get(name, account)
                if earlier["pid"] == later["pid"]:
                    shrunk = [field for field in ("accepted", "delivered") if account[field] < before[field]]
                    assert not shrunk, f"{name}: {shrunk} went back, from {before} to {account}"
    for signal in signals:
        _agrees_with_what_arrived(runs, oracle, signal)


def _agrees_with_what_arrived(runs: list[Run], oracle: Oracle, signal: str) -> None:
    accounts = [final["ledger"][f"{signal}/otlp"] for run in runs for final in run.finals]
    delivered = sum(account["delivered"] for account in accounts)
    in_doubt = sum(account["duplicated_at_most"] for account in accounts)
    received = oracle.received(signal)
    unique, duplicates = len(received), received.total() - len(received)
    if len(runs) == len(accounts):  # each has said its last word
        assert unique <= delivered + in_doubt, f"{signal}: {unique} arrived, {delivered} delivered, {in_doubt} in doubt"
        assert delivered <= unique, f"{signal}: {delivered} delivered, only {unique} arrived"
        assert duplicates <= in_doubt, f"{signal}: {duplicates} arrived twice, {in_doubt} in doubt"
        for run in runs:
            account = run.account(signal)
            own = account["accepted"] - account["recovered"]
            assert own == run.final["recorded"], f"{signal}: {run.final['recorded']} recorded, {own} accepted"
    if len(runs) == 1:
        _never_ahead_of_what_arrived(runs[0], oracle, signal)


def _never_ahead_of_what_arrived(run: Run, oracle: Oracle, signal: str) -> None:
    """What the ledger calls delivered was written down by the oracle before."""
    requests = sorted(oracle.requests(signal), key=lambda request: request.at)
    seen: set[str] = set()
    position = 0
    for tick in run.ticks:
        while position < len(requests) and requests[position].at <= tick["at"]:
            seen.update(requests[position].items)
            position += 1
        delivered = tick["ledger"][f"{signal}/otlp"]["delivered"]
        assert delivered <= len(seen), f"{signal}: {delivered} called delivered when {len(seen)} had arrived"


def i2_nothing_is_raised_into_the_application(run: Run) -> None:
    assert "Traceback" not in run.errors, run.errors
    assert "Exception" not in run.errors, run.errors
    for final in run.finals:
        assert final["raised"] == []


def i3_the_application_is_not_delayed(run: Run, healthy: Run) -> None:
    """The 99th percentile of recording calls is within 5% or 1 ms of the healthy run's."""
    usual_ms, ms = healthy.final["p99_ms"], run.final["p99_ms"]
    assert ms <= max(usual_ms * 1.05, usual_ms + 1.0), f"p99 {ms:.3f} ms, healthy {usual_ms:.3f} ms"


def i4_memory_stays_within_its_caps(run: Run, healthy: Run) -> None:
    """The highest resident memory is at most the byte caps and 20 MiB above the healthy run's."""
    delivery = run.work.settings.get("delivery", {})
    sections = [run.work.settings[name] for name in run.work.signals if name in run.work.settings]
    destinations = sum(len(section.get("exporters", ())) for section in sections) or 1
    cap = destinations * delivery.get("queue_max_bytes", 64 * MIB)
    usual, rss = healthy.final["rss_bytes"], run.final["rss_bytes"]
    assert rss <= usual + cap + 20 * MIB, f"{rss / MIB:.0f} MiB, healthy {usual / MIB:.0f} MiB, caps {cap / MIB:.0f} MiB"


def i5_the_shutdown_keeps_its_deadline(run: Run) -> None:
    timeout_s = float(run.work.settings["delivery"]["shutdown_timeout"].removesuffix("s"))
    for final in run.finals:
        took_s = max(final["shutdown_s"] or 0.0, final["report"]["duration_s"])
        assert took_s <= timeout_s + 0.5, f"the shutdown took {took_s:.2f} s of {timeout_s} s"


def log_lines(run: Run) -> list[tuple[float, str, str]]:
    """When, which process and logger, and what of each line that heliograph logged."""
    found = (_LOG_LINE.match(line) for line in run.errors.splitlines())
    return [
        (float(line["at"]), f"{line['process']} {line['logger']}", line["text"])
        for line in found
        if line and line["logger"].startswith("heliograph")
    ]


def i6_log_lines_are_few(run: Run) -> None:
    """At most one line a minute, process and cause (a text, but for its numbers), and a handful a minute of all causes."""
    said_at: dict[tuple[str, str], list[float]] = defaultdict(list)
    for at, logger, text in log_lines(run):
        said_at[logger, re.sub(r"\d+", "#", text)].append(at)
    for cause, times in said_at.items():
        pauses_s = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert not pauses_s or min(pauses_s) >= 59.9, f"{cause} said {len(times)} times, {min(pauses_s):.1f} s apart"
    every = sorted(at for times in said_at.values() for at in times)
    destinations = max(1, len(run.ticks[-1]["ledger"]) if run.ticks else 1)
    for first in every:
        within = sum(first <= at < first + 60 for at in every)
        assert within <= 5 * destinations, f"{within} lines within a minute: {sorted(said_at)}"


def hold(run: Run, oracle: Oracle, healthy: Callable[..., Run]) -> None:
    """All six, of a subject that has ended with its last words."""
    i1_every_item_is_accounted_for([run], oracle, run.work.signals)
    i2_nothing_is_raised_into_the_application(run)
    usual = healthy(run, is_anew=False)
    try:
        i3_the_application_is_not_delayed(run, usual)
    except AssertionError:  # a machine that has become busy since is no fault of the subject: both under the same conditions
        i3_the_application_is_not_delayed(run, healthy(run, is_anew=True))
    i4_memory_stays_within_its_caps(run, usual)
    i5_the_shutdown_keeps_its_deadline(run)
    i6_log_lines_are_few(run)
