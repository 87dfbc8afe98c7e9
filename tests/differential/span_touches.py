"""The calls of a span's methods that programs make, one row a call. Used by ``span_interpreter.py``.

What is handed over is made anew for each call and emptied after it: a recorder must not hold on to it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.trace import Span, SpanContext, Status, StatusCode, TraceFlags, TraceState

from tests.differential.span_steps import ContextSpec


class Outer:
    class NestedError(Exception):
        """An error whose qualified name has two parts."""


class ProgramStop(BaseException):
    """No error in the sense of the specification: it does not derive from Exception."""


def _chained() -> BaseException:
    try:
        try:
            int("first")
        except ValueError as error:
            raise KeyError("second") from error
    except KeyError as error:
        return error


ERRORS: dict[str, Callable[[], BaseException]] = {
    "value": lambda: ValueError("wrong value é"),
    "no text": RuntimeError,
    "nested class": lambda: Outer.NestedError("nested"),
    "chained": _chained,
    "group": lambda: ExceptionGroup("several", [ValueError("one"), OSError(2, "two")]),
    "stop iteration": lambda: StopIteration(3),
    "generator exit": GeneratorExit,
    "interrupt": KeyboardInterrupt,
    "system exit": lambda: SystemExit(0),
    "base": lambda: ProgramStop("base"),
}
# These mean something to the generators that programs run in.
CAUGHT_AT_ONCE = (StopIteration, GeneratorExit)


def made_context(spec: ContextSpec) -> SpanContext:
    state = TraceState(list(spec.state))
    return SpanContext(spec.trace_id, spec.span_id, spec.is_remote, TraceFlags(spec.flags), state)


class Keys:
    """Makes what is handed over; with ``are_unique`` no key is given twice."""

    def __init__(self, *, are_unique: bool) -> None:
        self._are_unique = are_unique
        self._given = 0

    def made(self, attributes: Mapping[str, Any] | None) -> dict[str, Any] | None:
        if attributes is None:
            return None
        return {self.made_key(key): copy.deepcopy(value) for key, value in attributes.items()}

    def made_key(self, key: str) -> str:
        self._given += 1
        return f"{key}.{self._given}" if self._are_unique and key else key


def empty(value: Any) -> None:
    """Take out whatever can be taken out of ``value``, at every level."""
    if isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            empty(item)
        value.clear()


def _set_attribute(span: Span, keys: Keys, key: str, value: Any) -> None:
    given = copy.deepcopy(value)
    span.set_attribute(keys.made_key(key), given)
    empty(given)


def _set_attributes(span: Span, keys: Keys, attributes: Mapping[str, Any]) -> None:
    given: Any = keys.made(attributes)
    span.set_attributes(given)
    empty(given)


def _add_event(span: Span, keys: Keys, name: str, attributes: Any, at_ns: int | None) -> None:
    given = keys.made(attributes)
    span.add_event(name, given, at_ns)
    empty(given)


def _add_link(span: Span, keys: Keys, context: ContextSpec, attributes: Any) -> None:
    given = keys.made(attributes)
    span.add_link(made_context(context), given)
    empty(given)


def _record_exception(span: Span, keys: Keys, error: str, attributes: Any, at_ns: int | None, escaped: Any) -> None:
    given = keys.made(attributes)
    span.record_exception(ERRORS[error](), given, at_ns, escaped)
    empty(given)


def _set_status(span: Span, keys: Keys, code: StatusCode, description: str | None, form: str) -> None:
    if form == "code":
        span.set_status(code, description)
    elif form == "status":
        span.set_status(Status(code, description))
    else:
        span.set_status(Status(code, "of the status"), description)


TOUCHES: dict[str, Callable[..., None]] = {
    "set_attribute": _set_attribute,
    "set_attributes": _set_attributes,
    "add_event": _add_event,
    "add_link": _add_link,
    "record_exception": _record_exception,
    "set_status": _set_status,
    "update_name": lambda span, _keys, name: span.update_name(name),
}
