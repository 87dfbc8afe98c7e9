"""Hypothesis strategies for programs about spans.

What is not drawn, because both recorders differ there on purpose, is named in ``corrections.py``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from opentelemetry.trace import SpanKind, StatusCode

from tests.differential.samplers import SAMPLERS, WITHOUT_IDS
from tests.differential.span_steps import (
    Activate,
    Attached,
    Block,
    ContextSpec,
    End,
    Flags,
    LinkSpec,
    Observe,
    Pause,
    ScopeSpec,
    SpanProgram,
    SpanSpec,
    Start,
    Suspended,
    Tasks,
    Threaded,
    Touch,
)
from tests.differential.span_touches import ERRORS
from tests.support.otlp_oracle import KEYS, TEXTS, VALUES

EXPLICIT_FROM_NS, EXPLICIT_TO_NS = 1_600_000_000 * 10**9, 1_600_000_100 * 10**9
_TIMES_NS = st.one_of(st.none(), st.integers(EXPLICIT_FROM_NS, EXPLICIT_TO_NS), st.sampled_from([0, EXPLICIT_FROM_NS]))
_SLOTS = st.integers(0, 4)

# A value of None for a key that has one is left to test_corrections.py.
_SOME = st.one_of(VALUES.filter(lambda value: value is not None), st.text("ab", min_size=10, max_size=60))
_PAIRS = st.dictionaries(st.one_of(KEYS, st.sampled_from(["a", "b", "c", "d", "e", ""])), _SOME, max_size=4)
_NOTHING = st.dictionaries(st.sampled_from(["nothing", "nothing else"]), st.none(), max_size=2)
ATTRIBUTES = st.one_of(st.none(), _PAIRS, st.builds(lambda some, none: {**some, **none}, _PAIRS, _NOTHING))

_STATES = st.sampled_from([(), (("vendor", "1"),), (("a", "1"), ("b@c", "2 3")), (("sampler", "old"),)])
CONTEXTS = st.builds(
    ContextSpec,
    st.sampled_from([0, 1, 2**128 - 1, 0xABCDEF << 64 | 1, 2**63]),
    st.sampled_from([0, 1, 2**64 - 1, 0x1234567890ABCDEF]),
    st.booleans(),
    st.sampled_from([0, 1, 2, 3]),
    _STATES,
)
_LINK_ATTRIBUTES = ATTRIBUTES.map(lambda given: given and {key: value for key, value in given.items() if key})
_LINKS = st.lists(st.builds(LinkSpec, CONTEXTS, _LINK_ATTRIBUTES), max_size=3).map(tuple)
_NAMES = st.one_of(TEXTS, st.sampled_from(["work", "drop", "record only", "bare"]))
_PARENTS = st.one_of(st.just("current"), st.just("current"), st.just("empty"), CONTEXTS, _SLOTS)
_SPANS = st.builds(
    SpanSpec,
    st.integers(0, 2),
    _NAMES,
    st.sampled_from(SpanKind),
    ATTRIBUTES,
    st.one_of(st.just(()), _LINKS),
    _TIMES_NS,
    _PARENTS,
)
_FLAGS = st.builds(Flags, st.booleans(), st.booleans(), st.booleans())
_ERRORS = st.one_of(st.none(), st.sampled_from(sorted(ERRORS)))
# An asynchronous function cannot end with this one (PEP 479).
_ASYNC_ERRORS = st.one_of(st.none(), st.sampled_from(sorted(set(ERRORS) - {"stop iteration"})))
_TARGETS = st.one_of(st.just("own"), st.just("own"), st.just("current"), _SLOTS)


def _arguments(*strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(*strategies)


_CALLS: dict[str, st.SearchStrategy[tuple[Any, ...]]] = {
    "set_attribute": _arguments(st.one_of(KEYS, st.sampled_from(["a", "b", ""])), _SOME),
    "set_attributes": _arguments(_PAIRS),
    "add_event": _arguments(TEXTS, ATTRIBUTES, _TIMES_NS),
    "add_link": _arguments(CONTEXTS, ATTRIBUTES),
    "record_exception": _arguments(
        st.sampled_from(sorted(ERRORS)),
        st.one_of(ATTRIBUTES, st.just({"exception.message": "mine", "exception.type": "mine"})),
        _TIMES_NS,
        st.booleans(),
    ),
    "set_status": _arguments(
        st.sampled_from(StatusCode),
        st.one_of(st.none(), TEXTS),
        st.sampled_from(["code", "status", "status and description"]),
    ),
    "update_name": _arguments(_NAMES),
}


def _touches(targets: st.SearchStrategy[Any]) -> st.SearchStrategy[Touch]:
    return st.sampled_from(sorted(_CALLS)).flatmap(lambda call: st.builds(Touch, targets, st.just(call), _CALLS[call]))


_LEAVES = st.one_of(
    _touches(_TARGETS),
    _touches(_TARGETS),
    st.builds(Start, _SPANS, _SLOTS),
    st.builds(End, _TARGETS, _TIMES_NS),
    st.builds(Observe, _TARGETS),
    st.just(Pause()),
)


def _blocks(bodies: st.SearchStrategy[Any]) -> st.SearchStrategy[Block]:
    def with_errors(hows: list[str], errors: st.SearchStrategy[Any]) -> st.SearchStrategy[Block]:
        how = st.sampled_from(hows)
        return st.builds(Block, how, _SPANS, _FLAGS, bodies, errors, st.booleans(), _SLOTS, st.integers(1, 2))

    return st.one_of(
        with_errors(["with", "with", "decorator", "use_span", "span"], _ERRORS),
        with_errors(["async decorator"], _ASYNC_ERRORS),
    )


@st.composite
def _moved_generators(draw: st.DrawFn) -> Suspended:
    """A generator that is finished in another context than it was begun in: blocks in blocks, a pause in the innermost."""
    touches = st.lists(_touches(st.just("own")), max_size=2)
    body: list[Any] = [*draw(touches), Pause(), *draw(touches)]
    for _ in range(draw(st.integers(1, 3))):
        block = Block(
            how=draw(st.sampled_from(["with", "use_span"])),
            span=draw(_SPANS),
            flags=draw(_FLAGS),
            body=tuple(body),
            error=draw(_ERRORS),
            catches=True,
            slot=draw(_SLOTS),
            calls=1,
        )
        body = [*draw(touches), block]
    meanwhile = draw(st.lists(_LEAVES, max_size=2))
    return Suspended(tuple(body[-1:]), tuple(meanwhile), draw(st.sampled_from(["in a copy", "in a thread"])))


def _around(steps: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    bodies = st.lists(steps, max_size=4).map(tuple)
    return st.one_of(
        _blocks(bodies),
        _blocks(bodies),
        st.builds(Activate, _SLOTS, _FLAGS, bodies, _ERRORS),
        st.builds(Attached, CONTEXTS, bodies),
        st.builds(Threaded, st.sampled_from(["thread", "pool", "bare thread"]), bodies),
        st.builds(Tasks, st.lists(bodies, min_size=1, max_size=3).map(tuple)),
        st.builds(Suspended, bodies, bodies, st.sampled_from(["here", "closed", "thrown into", "dropped"])),
        _moved_generators(),
    )


_STEPS = st.lists(st.recursive(_LEAVES, _around, max_leaves=10), min_size=1, max_size=5).map(tuple)
_SCHEMA_URLS = st.sampled_from([None, "", "https://opentelemetry.io/schemas/1.37.0"])
_SCOPES = st.lists(
    st.builds(
        ScopeSpec,
        st.sampled_from(["library", "other.library", "é"]),
        st.sampled_from([None, "", "1.2.3"]),
        _SCHEMA_URLS,
        st.one_of(st.none(), st.dictionaries(KEYS, st.one_of(st.integers(0, 9), TEXTS), max_size=2)),
    ),
    min_size=1,
    max_size=3,
).map(tuple)


def _with_own_ids(program: SpanProgram, sampler: str) -> SpanProgram:
    return replace(program, ids="of the recorder", sampler=sampler)


def span_programs(limits: st.SearchStrategy[dict[str, int]]) -> st.SearchStrategy[SpanProgram]:
    """Programs that run under ``limits``, with the same ids on both recorders."""
    return st.builds(
        SpanProgram,
        st.sampled_from([*SAMPLERS, "always on", "always on"]),
        limits,
        st.sampled_from(["numbered", "numbered at random"]),
        st.dictionaries(KEYS, st.one_of(st.integers(0, 9), TEXTS), max_size=2),
        _SCHEMA_URLS,
        _SCOPES,
        _STEPS,
    )


# Texts are cut where no traceback differs yet: both begin with the same 35 characters.
LENGTH_LIMITS = st.fixed_dictionaries(
    {}, optional={"max_attribute_length": st.integers(0, 34), "max_span_attribute_length": st.integers(0, 34)}
)
# Names of arguments of the SDK's SpanLimits that are numbers of things.
COUNTS = ("max_attributes", "max_events", "max_links", "max_span_attributes", "max_event_attributes", "max_link_attributes")
_COUNTS = st.one_of(st.integers(0, 3), st.just(-1))
COUNT_LIMITS = st.builds(
    lambda counts, lengths: {**counts, **lengths},
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(COUNTS, _COUNTS),
    ),
    LENGTH_LIMITS,
)

# Each recorder with ids of its own, so that no sampler may ask for them.
OWN_IDS = st.builds(_with_own_ids, span_programs(st.just({})), st.sampled_from(WITHOUT_IDS))
