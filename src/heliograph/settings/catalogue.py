"""Rows that users add to the catalogue of metrics, as settings: mappings with the fields of `catalog/metric.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from heliograph.catalog.metric import (
    INSTRUMENT_NAME,
    LONGEST_UNIT,
    PROMETHEUS_NAME,
    Across,
    Attribute,
    Kind,
    LegacyName,
    Metric,
    Stability,
)
from heliograph.settings import kinds
from heliograph.settings.buckets import ascending
from heliograph.settings.kinds import choice, filled_text, flag, list_of, mapping_of, number, optional, text, whole
from heliograph.settings.section import Section, Siblings, setting

# How many values an attribute may have when a row only names it.
_CARDINALITY: Final = 100

_names: Final = list_of(filled_text)
_cardinalities: Final = mapping_of(whole(1))
_LegacyKind = Literal["counter", "gauge", "histogram", "unknown"]


def _fitting(pattern: re.Pattern[str], expected: str) -> kinds.Kind[str]:
    def read(value: object) -> str:
        meant = filled_text(value)
        if not pattern.fullmatch(meant):
            raise ValueError(expected)
        return meant

    return read


_exposed_name: Final = _fitting(PROMETHEUS_NAME, "ASCII letters, digits, '_' and ':', not beginning with a digit")
_small_name: Final = _fitting(INSTRUMENT_NAME, "up to 255 ASCII letters, digits and any of '_', '.', '-', '/', a letter first")


def _name(value: object) -> str:
    return _small_name(filled_text(value).lower())  # OpenTelemetry compares names without case


def _unit(value: object) -> str:
    meant = text(value)
    if not meant.isascii() or len(meant) > LONGEST_UNIT:
        raise ValueError(f"up to {LONGEST_UNIT} ASCII characters")
    return meant


def _attributes(value: object) -> tuple[Attribute, ...]:
    """A mapping of names to how many values each may have, or a list of names."""
    if isinstance(value, tuple) and all(isinstance(entry, Attribute) for entry in value):
        return value
    if isinstance(value, Mapping):
        cardinalities = _cardinalities(value)
        if "" in cardinalities:
            raise ValueError("names that are not empty, each with how many values it may have")
        return tuple(Attribute(name=name, cardinality=most) for name, most in cardinalities.items())
    return tuple(Attribute(name=name, cardinality=_CARDINALITY) for name in dict.fromkeys(_names(value)))


def _values(value: object) -> tuple[str, ...]:
    return (filled_text(value),) if isinstance(value, (str, bytes)) else list_of(filled_text, least=1)(value)


class LegacySettings(Section):
    """An older name of a metric, see :class:`~heliograph.catalog.metric.LegacyName`."""

    name: str = setting(_exposed_name)
    factor: float = setting(number(1e-12), default=1.0)
    where: Mapping[str, tuple[str, ...]] = setting(mapping_of(_values), default={})
    without: tuple[str, ...] = setting(_names, default=())
    kind: _LegacyKind | None = setting(optional(choice(_LegacyKind)), default=None)


def _legacy(value: object) -> LegacyName:
    return value if isinstance(value, LegacyName) else LegacyName(**_values_of(LegacySettings.read(value)))


def _check_buckets(buckets: tuple[float, ...] | None, above: Siblings) -> None:
    if buckets is not None and above.get("kind", "histogram") != "histogram":
        raise ValueError(f"no buckets for a {above['kind']}; only a histogram has them")


class RowSettings(Section):
    """One row, see :class:`~heliograph.catalog.metric.Metric`. ``attributes`` are a mapping of names to how many values each
    may have, or a list of names; without it any are allowed."""

    name: str = setting(_name)
    kind: Kind = setting(choice(Kind))
    unit: str = setting(_unit, default="")
    description: str = setting(text, default="")
    group: str = setting(filled_text, default="application")
    attributes: tuple[Attribute, ...] | None = setting(optional(_attributes), default=None)
    buckets: tuple[float, ...] | None = setting(optional(ascending), default=None, check=_check_buckets)
    stability: Stability = setting(choice(Stability), default="development")
    legacy: tuple[LegacyName, ...] = setting(list_of(_legacy), default=())
    across: Across | None = setting(optional(choice(Across)), default=None)
    starts_at_zero: bool = setting(flag, default=False)


def catalogue_row(value: object) -> Metric:
    """The kind of a setting that is a row: one that is made already, or a mapping."""
    return value if isinstance(value, Metric) else Metric(**_values_of(RowSettings.read(value)))


def _values_of(section: Section) -> dict[str, Any]:
    return {name: getattr(section, name) for name in section.fields}
