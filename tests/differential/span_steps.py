"""What a program about spans is made of: plain data, drawn by ``span_programs.py`` and run by ``span_interpreter.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from opentelemetry.trace import SpanKind

Attributes = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class ContextSpec:
    """A span context that came from somewhere else."""

    trace_id: int
    span_id: int
    is_remote: bool
    flags: int
    state: tuple[tuple[str, str], ...]


# Where a parent comes from: the current context, an empty one, one with a foreign span, or one with the span of a slot.
Parent = Literal["current", "empty"] | ContextSpec | int
# Which span is meant: that of the block around, the current one, or that of a slot.
Target = Literal["own", "current"] | int


@dataclass(frozen=True, slots=True)
class LinkSpec:
    context: ContextSpec
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class SpanSpec:
    tracer: int
    name: str
    kind: SpanKind
    attributes: Attributes
    links: tuple[LinkSpec, ...]
    started_at_ns: int | None
    parent: Parent


@dataclass(frozen=True, slots=True)
class Flags:
    record_exception: bool
    set_status_on_exception: bool
    end_on_exit: bool


# How a block is entered and left.
How = Literal["with", "decorator", "async decorator", "use_span", "span"]


@dataclass(frozen=True, slots=True)
class Block:
    """A span around ``body``; ``error`` names what is raised at its end, and ``catches`` whether it ends at this block."""

    how: How
    span: SpanSpec
    flags: Flags
    body: tuple[Step, ...]
    error: str | None
    catches: bool
    slot: int
    calls: int


@dataclass(frozen=True, slots=True)
class Start:
    """A span that does not become current."""

    span: SpanSpec
    slot: int


@dataclass(frozen=True, slots=True)
class Activate:
    """A started span is the current one in ``body``."""

    slot: int
    flags: Flags
    body: tuple[Step, ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class End:
    target: Target
    ended_at_ns: int | None


@dataclass(frozen=True, slots=True)
class Touch:
    """One call of a span's method, by its name in ``span_touches.TOUCHES``."""

    target: Target
    call: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Observe:
    """What a program sees of a span, and what it would send to another service."""

    target: Target


@dataclass(frozen=True, slots=True)
class Pause:
    """Where a generator is suspended or a task gives way to another; nothing elsewhere."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A foreign span is the current one in ``body``."""

    context: ContextSpec
    body: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Threaded:
    """``body`` in another thread, in a copy of the context or in an empty one."""

    how: Literal["thread", "pool", "bare thread"]
    body: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Tasks:
    """Each of ``bodies`` in a task of its own; they take turns at each pause."""

    bodies: tuple[tuple[Step, ...], ...]


@dataclass(frozen=True, slots=True)
class Suspended:
    """``body`` in a generator that is suspended at its first pause while ``meanwhile`` runs, and then finished."""

    body: tuple[Step, ...]
    meanwhile: tuple[Step, ...]
    finish: Literal["here", "closed", "thrown into", "dropped", "in a copy", "in a thread"]


Step = Block | Start | Activate | End | Touch | Observe | Pause | Attached | Threaded | Tasks | Suspended


@dataclass(frozen=True, slots=True)
class ScopeSpec:
    name: str
    version: str | None
    schema_url: str | None
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class SpanProgram:
    """``limits`` are arguments of the SDK's SpanLimits; ``sampler`` is a row of ``samplers.SAMPLERS``. ``ids`` says where ids
    come from: a sequence, one that says that it is random, or the recorder itself."""

    sampler: str
    limits: Mapping[str, int]
    ids: Literal["numbered", "numbered at random", "of the recorder"]
    resource: Mapping[str, Any]
    resource_schema_url: str | None
    scopes: tuple[ScopeSpec, ...]
    steps: tuple[Step, ...]
