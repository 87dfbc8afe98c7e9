"""From a trial that failed to its cause: the answer first, then what the server speaks, then the way to it.

Called by the check `destinations.py`, which remembers one for the whole examination.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Final

from heliograph.clock import Clock
from heliograph.doctor.answers import answered, quoted, takes_others, translated
from heliograph.doctor.cause import Cause
from heliograph.doctor.crossing import crossed, no_grpc
from heliograph.doctor.elsewhere import base_that_takes
from heliograph.doctor.encryption import CLOSED, encrypted, grpc_authorities, refused_at
from heliograph.doctor.finding import Severity
from heliograph.doctor.reaching import proxied, proxy_of, silent, through, unreached
from heliograph.doctor.speech import Speech, heard_at
from heliograph.doctor.target import Target
from heliograph.doctor.trial import Trial
from heliograph.exporters.otlp import Answered
from heliograph.otlp.messages import SIGNALS
from heliograph.otlp.response import partial_success
from heliograph.pipeline.outcome import Delivered, Outcome

_LONGEST_STEP_S: Final = 2.0
# Answers that only a server that speaks the right protocol gives: there is no need to ask what it speaks.
_PLAIN: Final = frozenset({"401", "403", "404", "405", "413", "415", "429", "UNAUTHENTICATED", "PERMISSION_DENIED"})
_NOTHING_THERE: Final = frozenset({"404", "UNIMPLEMENTED"})
_NO_GRPC: Final = ("400", "404", "405", "415", "501")
_NO_TIME: Final = frozenset({"DEADLINE_EXCEEDED", "CANCELLED"})


class Diagnosis:
    """Finds causes. Thread-safe. Asks each server what it speaks once; ``environ`` names the proxies, ``accepted``
    are the signals that servers took, by host and port."""

    def __init__(self, environ: Mapping[str, str], clock: Clock, accepted: Mapping[str, Sequence[str]]) -> None:
        self._taken = accepted
        self._environ = environ
        self._clock = clock
        self._lock = threading.Lock()  # held for the look into _heard
        self._heard: dict[tuple[object, ...], Future[Speech]] = {}

    def cause(self, trial: Trial, target: Target) -> Cause:
        """Why this trial ended as it did; of severity OK when all is well."""
        if isinstance(trial.outcome, Delivered):
            return self._accepted(trial.outcome, trial, target)
        reason = _reason(trial.outcome)
        proxy = proxy_of(target, self._environ)
        if "proxy: " in reason or (proxy is not None and target.protocol == "grpc" and _is_unanswered(trial)):
            return proxied(target, proxy or "of the environment", reason)
        if trial.answered is not None and trial.answered.status in _PLAIN:
            return self._answered(trial, target, trial.answered, proxy)
        step_s = min(trial.timeout_s, _LONGEST_STEP_S)
        return self._without_answer(trial, target, reason, proxy, step_s)

    def _accepted(self, outcome: Delivered, trial: Trial, target: Target) -> Cause:
        answer = trial.answered
        if outcome.rejected:
            why = outcome.reason.removeprefix("partial success: ")
            what = "the server took the request and refused what was in it (partial success)"
            why = f"It says: {target.without_secrets(why)!r}." if why else "It does not say why."
            return Cause(what=what, why=why, fix="change what it refuses, or its limits; look at the log of the receiver")
        if answer is not None and "html" in str(answer.headers.get("content-type", "")):
            return Cause(
                severity=Severity.WARNING,
                what="the answer is a web page, not OTLP's",
                why=f"{target.place} answered {answer.status} with HTML: a page that takes anything, or a login before it.",
                fix="set the endpoint of {exporter} to an OTLP receiver",
            )
        warned = partial_success(SIGNALS[target.signal], answer.body)[1] if answer is not None else ""
        if warned:
            what, why = "accepted, with a warning of the server", f"It says: {target.without_secrets(warned)[:200]!r}."
            return Cause(severity=Severity.WARNING, what=what, why=why, fix="do what it says")
        proxy = proxy_of(target, self._environ)
        return through(proxy) if proxy is not None else Cause(severity=Severity.OK, what="accepted", why="", fix="")

    def _without_answer(self, trial: Trial, target: Target, reason: str, proxy: str | None, step_s: float) -> Cause:
        if proxy is None:
            speech = self._speech(target, step_s)
            found = self._encrypted(target, reason, speech, step_s) if _told(reason) else None
            found = (
                found
                or unreached(target, speech)
                or self._encrypted(target, reason, speech, step_s)
                or crossed(target, speech)
            )
            if found is not None:
                return found
        else:
            speech = None
            if "TLS: " in reason and (found := encrypted(reason, target, self._clock, step_s)) is not None:
                return found
        is_said = target.protocol != "grpc" or speech is None or speech.is_known  # else it is gRPC's own library that says so
        if is_said and trial.answered is not None and trial.answered.status not in _NO_TIME:
            return self._answered(trial, target, trial.answered, proxy)
        if speech is None:
            return proxied(target, proxy or "", reason)
        return silent(target, speech, reason, trial.timeout_s)

    def _encrypted(self, target: Target, reason: str, speech: Speech, step_s: float) -> Cause | None:
        """The cause, if both sides want TLS and it does not come about."""
        if not target.is_tls or not (speech.is_tls or _told(reason)):
            return None
        if "TLS: " not in reason or target.protocol == "grpc":
            # gRPC's library says little of what went wrong: the same is tried by Python's.
            mine = refused_at(target, step_s)
            if mine is None and "unknown authority" in reason:
                return grpc_authorities(target)
            reason = mine or reason
        if CLOSED in reason and speech.is_known:
            return None
        if crossed(target, speech) is not None and "certificate" not in reason:
            return None
        return encrypted(reason, target, self._clock, step_s)

    def _answered(self, trial: Trial, target: Target, answer: Answered, proxy: str | None) -> Cause:
        if answer.status in _NOTHING_THERE and (others := self._taken.get(target.place)):
            return takes_others(target, answer, " and ".join(others))
        if target.protocol == "grpc" and (status := translated(answer)) in _NO_GRPC:
            return no_grpc(target, status)
        found = answered(target, answer)
        if found is None:
            why = f"It answered {answer.status}. {quoted(target, answer)}".strip()
            found = Cause(what=_reason(trial.outcome), why=why, fix="look at the log of the receiver")
        if answer.status == "404" and target.protocol == "http":
            base = base_that_takes(target, self._environ, min(trial.timeout_s, _LONGEST_STEP_S))
            if base is not None:
                found = replace(found, fix=f"set the endpoint of {{exporter}} to '{base}', which takes it")
        if proxy is not None and not target.is_tls and target.protocol == "http":
            fix = f"{found.fix}; if it is the proxy that answers, add {target.host} to NO_PROXY"
            return replace(found, why=f"{found.why} It came by way of the proxy {proxy}.", fix=fix)
        return found

    def _speech(self, target: Target, step_s: float) -> Speech:
        client = (target.tls.cert_file, target.tls.key_file) if target.tls.cert_file is not None else None
        key = (target.host, target.port, client)
        with self._lock:
            is_first = key not in self._heard
            heard = self._heard.setdefault(key, Future())
        if is_first:
            try:
                heard.set_result(heard_at(target.host, target.port, target.path, client=client, timeout_s=step_s))
            except BaseException as error:  # whatever it is, those who wait for it must not wait for ever
                heard.set_exception(error)
        return heard.result()


def _reason(outcome: Outcome | None) -> str:
    return "no answer in time" if outcome is None else outcome.reason


def _told(reason: str) -> bool:
    """Whether the server said what only one with TLS says; asked again it may close before that is heard."""
    return "TLS: " in reason and ("TLS 1.1" in reason or "certificate" in reason)


def _is_unanswered(trial: Trial) -> bool:
    return trial.answered is None or trial.answered.status in ("UNAVAILABLE", *_NO_TIME)
