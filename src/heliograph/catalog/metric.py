"""A row of the catalogue: everything that is known of a metric before anybody records it.

Read by the recorder (unit, description, buckets, attributes), by the exposition (names, how processes add up) and by the
command that lists metrics. Pure values; a user's own rows are of the same type.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, get_args

from heliograph.catalog.translate import otlp_name, pull_name
from heliograph.errors import CatalogueError

Kind: TypeAlias = Literal["counter", "up_down_counter", "gauge", "histogram"]
Stability: TypeAlias = Literal["stable", "release_candidate", "development"]
Across: TypeAlias = Literal["sum", "max", "min", "latest", "per_process"]
"""How the values of several processes become one: added up, the greatest, the least, the one that changed last, or each
with the attribute ``pid``."""

_ACROSS: Final[Mapping[Kind, Across]] = {
    "counter": "sum",
    "up_down_counter": "sum",
    "histogram": "sum",
    "gauge": "per_process",
}

# OpenTelemetry specification, "Instrument name syntax" and "Instrument unit". Names are compared without case, so rows
# have them in small letters.
INSTRUMENT_NAME: Final = re.compile(r"[a-z][a-z0-9_.\-/]{0,254}")
LONGEST_UNIT: Final = 63
PROMETHEUS_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute that a metric may have: ``cardinality`` is how many values of it are expected at most, in one process.

    Raises :class:`~heliograph.errors.CatalogueError` for an empty name or a cardinality below 1.
    """

    name: str
    cardinality: int
    description: str = ""

    def __post_init__(self) -> None:
        _check(_is_text(self.name) and self.name, "an attribute", self.name, "a name that is not empty")
        is_count = isinstance(self.cardinality, int) and not isinstance(self.cardinality, bool) and self.cardinality >= 1
        _check(is_count, f"attribute {self.name!r} with the cardinality", self.cardinality, "a whole number of at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyName:
    """An older name under which a metric is exposed as well, on request.

    ``factor`` is what its values are multiplied by. Only series whose attributes have one of the values in ``where`` are
    shown, and ``without`` (and the keys of ``where``) are taken from their attributes; series that are the same then are
    added up. ``kind`` is what the type is said to be, by default that of the metric.

    Raises :class:`~heliograph.errors.CatalogueError` for a name that Prometheus does not allow or a factor of no use.
    """

    name: str  # as a scrape shows it, with `_total` where the type is counter
    factor: float = 1.0
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    kind: Literal["counter", "gauge", "histogram", "unknown"] | None = None

    def __post_init__(self) -> None:
        is_name = _is_text(self.name) and PROMETHEUS_NAME.fullmatch(self.name)
        _check(is_name, "a legacy name", self.name, "ASCII letters, digits, '_' and ':', not beginning with a digit")
        is_factor = isinstance(self.factor, (int, float)) and math.isfinite(self.factor) and self.factor > 0
        _check(is_factor, f"legacy name {self.name} with the factor", self.factor, "a finite number above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric. ``unit`` is in UCUM; ``buckets`` are the upper bounds of a histogram, in that unit, or None for the
    default; ``attributes`` are all that it may have, None when any are allowed. With ``starts_at_zero`` it is
    meant to be 0 before anything happened, so that the first increase is one for Prometheus; a counter of the manager's that
    has no attributes is.

    Raises :class:`~heliograph.errors.CatalogueError` for what cannot be.
    """

    name: str
    kind: Kind
    unit: str = ""
    description: str = ""
    group: str = "application"
    attributes: tuple[Attribute, ...] | None = None
    buckets: tuple[float, ...] | None = None
    stability: Stability = "development"
    legacy: tuple[LegacyName, ...] = ()
    across: Across | None = None  # None is the kind's: `combined`
    starts_at_zero: bool = False

    def __post_init__(self) -> None:
        is_name = _is_text(self.name) and INSTRUMENT_NAME.fullmatch(self.name)
        _check(
            is_name, "a metric named", self.name, "up to 255 small ASCII letters, digits, '_', '.', '-', '/', a letter first"
        )
        for field_name, literal in _WORDS.items():
            given = getattr(self, field_name)
            is_word = given in get_args(literal) or (field_name == "across" and given is None)
            _check(
                is_word, f"metric {self.name} with {field_name}", given, f"one of {', '.join(map(repr, get_args(literal)))}"
            )
        is_unit = _is_text(self.unit) and self.unit.isascii() and len(self.unit) <= LONGEST_UNIT
        _check(is_unit, f"metric {self.name} with the unit", self.unit, f"up to {LONGEST_UNIT} ASCII characters")
        self._check_attributes()
        self._check_buckets()
        for legacy in self.legacy:
            fitting = _LEGACY_KINDS[self.kind]
            what = f"metric {self.name} with the older name {legacy.name!r} of kind"
            _check(legacy.kind is None or legacy.kind in fitting, what, legacy.kind, f"one of {', '.join(map(repr, fitting))}")

    def _check_attributes(self) -> None:
        names = [attribute.name for attribute in self.attributes or ()]
        twice = sorted({name for name in names if names.count(name) > 1})
        _check(not twice, f"metric {self.name} with attributes", twice, "each attribute once")

    def _check_buckets(self) -> None:
        if self.buckets is None:
            return
        what = f"metric {self.name} with the buckets"
        _check(self.kind == "histogram", what, self.buckets, f"none, since it is a {self.kind}")
        is_ascending = all(map(math.isfinite, self.buckets)) and all(a < b for a, b in itertools.pairwise(self.buckets))
        _check(self.buckets and is_ascending, what, self.buckets, "finite numbers in ascending order without repeats")

    @property
    def declared(self) -> frozenset[str] | None:
        """The names of all attributes that it may have; None when any are allowed."""
        return frozenset(attribute.name for attribute in self.attributes) if self.attributes is not None else None

    @property
    def combined(self) -> Across:
        """How the values of several processes become one."""
        return self.across or default_across(self.kind)

    @property
    def pull_name(self) -> str:
        """What ``/metrics`` calls it; a histogram's without ``_bucket``, ``_sum`` and ``_count``."""
        return pull_name(self.name, self.unit, self.kind)

    @property
    def otlp_name(self) -> str:
        """What Prometheus calls it that receives it by OTLP."""
        return otlp_name(self.name, self.unit, self.kind)


def default_across(kind: Kind) -> Across:
    """How the processes of a metric add up that nobody has declared."""
    return _ACROSS[kind]


def attributes(cardinalities: Mapping[str, int]) -> tuple[Attribute, ...]:
    """Attributes by name, each with how many values of it are expected at most."""
    return tuple(Attribute(name=name, cardinality=cardinality) for name, cardinality in cardinalities.items())


# What an older name may have been said to be, by what its metric is.
_LEGACY_KINDS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "counter": ("counter", "gauge", "unknown"),
    "up_down_counter": ("gauge", "unknown"),
    "gauge": ("gauge", "unknown"),
    "histogram": ("histogram",),
}
_WORDS: Final[Mapping[str, Any]] = {"kind": Kind, "stability": Stability, "across": Across}


def _is_text(given: object) -> bool:
    return isinstance(given, str)


def _check(is_right: object, what: str, given: object, expected: str) -> None:
    if not is_right:
        raise CatalogueError(f"the catalogue was given {what} {given!r}, expected {expected}")
