"""Hypothesis strategies for programs about metrics.

What is not drawn, because both recorders differ there on purpose, is named in ``corrections.py``.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, get_args

from hypothesis import strategies as st

from tests.differential.metric_steps import (
    AggregationSpec,
    Collect,
    InstrumentSpec,
    Kind,
    MetricProgram,
    ReaderSpec,
    Record,
    ViewSpec,
)
from tests.differential.span_steps import ContextSpec, ScopeSpec

_KINDS: tuple[Kind, ...] = get_args(Kind)
_OBSERVABLE = [kind for kind in _KINDS if kind.startswith("observable")]
_NAMES = st.sampled_from(["requests", "requests", "duration", "queue/size", "Mixed.Case-1"])
_UNITS = st.sampled_from(["", "", "s", "{request}"])
_TEXTS = st.sampled_from(["", "", "What it counts.", "é"])

# Sums of quarters are exact, in whichever order they are added.
_QUARTERS = st.integers(-8, 4000).map(lambda number: number / 4)
_VALUES = st.one_of(
    st.integers(-3, 1200),
    _QUARTERS,
    st.sampled_from([0, 0.0, 5, 5.0, 10, 1000.0, 10000, 2**40, math.nan, math.inf, -math.inf]),
)
_ATTRIBUTE_VALUES = st.sampled_from(
    ["x", "y", "", 1, 1.0, True, 0, False, 2.5, b"x", ["a", "b"], ("a", "b"), [1, 2], {"in": 1}]
)
ATTRIBUTES = st.one_of(
    st.none(), st.just({}), st.dictionaries(st.sampled_from(["a", "b", "c"]), _ATTRIBUTE_VALUES, max_size=3)
)
# Of every span that is current meanwhile.
TRACE_ID = 0xABC
_CONTEXTS = st.one_of(
    st.none(),
    st.none(),
    st.builds(ContextSpec, st.just(TRACE_ID), st.integers(1, 3), st.booleans(), st.sampled_from([0, 1]), st.just(())),
)

_BOUNDS = st.lists(st.integers(0, 40).map(lambda n: n * 2.5), max_size=4, unique=True).map(sorted)
_AGGREGATIONS = st.one_of(
    st.just(AggregationSpec("default", {})),
    st.just(AggregationSpec("default", {})),
    st.builds(
        AggregationSpec,
        st.just("explicit"),
        st.fixed_dictionaries({"boundaries": _BOUNDS}, optional={"record_min_max": st.booleans()}),
    ),
    st.builds(
        AggregationSpec,
        st.just("exponential"),
        st.fixed_dictionaries({}, optional={"max_size": st.sampled_from([2, 4, 160]), "max_scale": st.integers(-2, 20)}),
    ),
    st.sampled_from([AggregationSpec("drop", {}), AggregationSpec("sum", {}), AggregationSpec("last value", {})]),
)

_MATCHES = st.one_of(
    st.fixed_dictionaries({"instrument_name": st.sampled_from(["requests", "duration", "Mixed.Case-1"])}),
    st.fixed_dictionaries({"instrument_type": st.sampled_from(_KINDS)}),
    st.fixed_dictionaries({"instrument_unit": st.sampled_from(["s", ""])}),
    st.fixed_dictionaries({"meter_name": st.just("library"), "instrument_name": st.just("requests")}),
    st.fixed_dictionaries({"meter_version": st.just("1.2.3")}),
)
_CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["renamed", "Renamed.Too"]),
    "description": st.just("Another description."),
    "attribute_keys": st.lists(st.sampled_from(["a", "b"]), max_size=2).map(tuple),
    "aggregation_cardinality_limit": st.integers(1, 3),
}
_VIEWS = st.one_of(
    st.builds(ViewSpec, _MATCHES, st.fixed_dictionaries({}, optional=_CHANGES), _AGGREGATIONS),
    st.builds(
        ViewSpec,
        st.fixed_dictionaries({"instrument_name": st.sampled_from(["*", "re*", "d?ration"])}),
        st.fixed_dictionaries({}, optional={name: found for name, found in _CHANGES.items() if name != "name"}),
        _AGGREGATIONS,
    ),
)


def _readers() -> st.SearchStrategy[ReaderSpec]:
    kinds = st.sampled_from(_KINDS)
    return st.builds(
        ReaderSpec,
        st.one_of(st.just(frozenset()), st.just(frozenset(_KINDS)), st.frozensets(kinds)),
        st.one_of(st.just({}), st.dictionaries(st.sampled_from(["histogram"]), _AGGREGATIONS)),
        st.one_of(st.just({}), st.dictionaries(kinds, st.integers(1, 3))),
    )


_OBSERVATIONS = st.lists(st.lists(st.tuples(_VALUES, ATTRIBUTES), max_size=4).map(tuple), max_size=4).map(tuple)
_INSTRUMENTS = st.builds(
    InstrumentSpec,
    st.integers(0, 2),
    st.sampled_from(_KINDS),
    _NAMES,
    _UNITS,
    _TEXTS,
    st.one_of(st.none(), st.none(), _BOUNDS.map(tuple)),
    _OBSERVATIONS,
    st.sampled_from(["list", "generator", "generator object", "raises", "raises later"]),
)
_RECORDS = st.builds(Record, st.integers(0, 5), _VALUES, ATTRIBUTES, _CONTEXTS)
_STEPS = st.lists(st.one_of(_RECORDS, _RECORDS, _RECORDS, st.builds(Collect, st.integers(0, 2))), max_size=20).map(tuple)
_SCOPES = st.lists(
    st.builds(
        ScopeSpec,
        st.sampled_from(["library", "other.library"]),
        st.sampled_from([None, "1.2.3"]),
        st.sampled_from([None, "https://opentelemetry.io/schemas/1.37.0"]),
        st.sampled_from([None, {"by": "hand"}]),
    ),
    min_size=1,
    max_size=3,
).map(tuple)


def _steady(program: MetricProgram) -> MetricProgram:
    """Where series are limited, an observable instrument gives the same ones at each collection (corrections.py says why)."""
    if not any(view.change.get("aggregation_cardinality_limit") for view in program.views) and not any(
        reader.limits for reader in program.readers
    ):
        return program
    instruments = tuple(replace(spec, observations=spec.observations[:1]) for spec in program.instruments)
    return replace(program, instruments=instruments)


METRIC_PROGRAMS = st.builds(
    MetricProgram,
    st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 3), max_size=2),
    _SCOPES,
    st.lists(_VIEWS, max_size=2).map(tuple),
    st.lists(_readers(), min_size=1, max_size=3).map(tuple),
    st.lists(_INSTRUMENTS, min_size=1, max_size=5).map(tuple),
    _STEPS,
).map(_steady)
