"""Rows that users add to the catalogue of metrics, as settings: mappings with the fields of `catalog/metric.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
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
from heliograph.settings.buckets import ascending
from heliograph.settings.kind import Kind as SettingKind
from heliograph.settings.kind import kind_of
from heliograph.settings.kinds import (
    choice,
    filled_text,
    flag,
    list_of,
    mapping_of,
    number,
    optional,
    section_of,
    text,
    whole,
)
from heliograph.settings.section import Section, Siblings, setting

# How many values an attribute may have when a row only names it.
_CARDINALITY: Final = 100

_names: Final = list_of(filled_text)
_cardinalities: Final = mapping_of(whole(1))
_LegacyKind = Literal["counter", "gauge", "histogram", "unknown"]


def _fitting(pattern: re.Pattern[str], expected: str) -> SettingKind[str]:
    @kind_of("name", filled_text.schema, is_text=True)
    def read(value: object) -> str:
        meant = filled_text(value)
        if not pattern.fullmatch(meant):
            raise ValueError(expected)
        return meant

    return read


_exposed_name: Final = _fitting(PROMETHEUS_NAME, "ASCII letters, digits, '_' and ':', not beginning with a digit")
_small_name: Final = _fitting(INSTRUMENT_NAME, "up to 255 ASCII letters, digits and any of '_', '.', '-', '/', a letter first")


@kind_of("name", filled_text.schema, is_text=True)
def _name(value: object) -> str:
    return _small_name(filled_text(value).lower())  # OpenTelemetry compares names without case


@kind_of("unit", lambda: {"type": "string"}, is_text=True)
def _unit(value: object) -> str:
    meant = text(value)
    if not meant.isascii() or len(meant) > LONGEST_UNIT:
        raise ValueError(f"up to {LONGEST_UNIT} ASCII characters")
    return meant


def _read_attributes(value: object) -> tuple[Attribute, ...]:
    """A mapping of names to how many values each may have, or a list of names."""
    if isinstance(value, tuple) and all(isinstance(entry, Attribute) for entry in value):
        return value
    if isinstance(value, Mapping):
        cardinalities = _cardinalities(value)
        if "" in cardinalities:
            raise ValueError("names that are not empty, each with how many values it may have")
        return tuple(Attribute(name=name, cardinality=most) for name, most in cardinalities.items())
    return tuple(Attribute(name=name, cardinality=_CARDINALITY) for name in dict.fromkeys(_names(value)))


_attributes: Final = SettingKind(
    _read_attributes,
    "names",
    lambda: {"anyOf": [_cardinalities.schema(), _names.schema()]},
    form="mapping",
    item=_cardinalities.item,
    plain=lambda attributes: {attribute.name: attribute.cardinality for attribute in attributes},
)

_one_or_more: Final = list_of(filled_text, least=1)


def _read_values(value: object) -> tuple[str, ...]:
    return (filled_text(value),) if isinstance(value, (str, bytes)) else _one_or_more(value)


_values: Final = SettingKind(
    _read_values,
    "text or list",
    lambda: {"anyOf": [filled_text.schema(), _one_or_more.schema()]},
    form="list",
    item=filled_text,
)


class LegacySettings(Section):
    """An older name under which a metric is scraped as well."""

    name: str = setting(_exposed_name, doc="The older name, as a scrape shows it.")
    factor: float = setting(number(1e-12), default=1.0, doc="What values are multiplied by, above 0.")
    where: Mapping[str, tuple[str, ...]] = setting(
        mapping_of(_values), default={}, doc="Attributes, each with the value or values that a series must have to be shown."
    )
    without: tuple[str, ...] = setting(
        _names, default=(), doc="Attributes that are taken away; series that are the same then are added up."
    )
    kind: _LegacyKind | None = setting(
        optional(choice(_LegacyKind)), default=None, doc="What the type is said to be; by default that of the metric."
    )


def _plain(section: type[Section], row: object) -> dict[str, Any]:
    """``row``, which has the names of the section's settings, as JSON has it."""
    return {name: field.kind.plain(getattr(row, name)) for name, field in section.fields.items()}


def _read_legacy(value: object) -> LegacyName:
    return value if isinstance(value, LegacyName) else LegacyName(**_values_of(LegacySettings.read(value)))


_legacy: Final = SettingKind(
    _read_legacy,
    "section",
    section_of(LegacySettings).schema,
    form="section",
    section=LegacySettings,
    plain=partial(_plain, LegacySettings),
)


def _check_buckets(buckets: tuple[float, ...] | None, above: Siblings) -> None:
    if buckets is not None and above.get("kind", "histogram") != "histogram":
        raise ValueError(f"no buckets for a {above['kind']}; only a histogram has them")


class RowSettings(Section):
    """One metric of the application, as the catalogue has it."""

    name: str = setting(_name, doc="The name of the instrument, as OpenTelemetry has it.")
    kind: Kind = setting(choice(Kind), doc="What it is.")
    unit: str = setting(_unit, default="", doc="The unit, in UCUM: `s`, `By`, `{request}`.")
    description: str = setting(text, default="", doc="What it measures, in a sentence.")
    group: str = setting(filled_text, default="application", doc="Under which heading it is listed.")
    attributes: tuple[Attribute, ...] | None = setting(
        optional(_attributes),
        default=None,
        doc="The attributes that it may have: names, each with how many values it may have, or a list of names. "
        "None allows any.",
    )
    buckets: tuple[float, ...] | None = setting(
        optional(ascending), default=None, check=_check_buckets, doc="The upper bounds of a histogram, ascending."
    )
    stability: Stability = setting(choice(Stability), default="development", doc="Whether it may still change.")
    legacy: tuple[LegacyName, ...] = setting(
        list_of(_legacy), default=(), doc="Older names under which it is scraped with `metrics.legacy_names`."
    )
    across: Across | None = setting(
        optional(choice(Across)),
        default=None,
        doc="How the values of several processes become one. By default a gauge is shown for each, the others are added up.",
    )
    starts_at_zero: bool = setting(
        flag, default=False, doc="Whether it is 0 before anything happened, so that its first increase is seen."
    )


def _read_row(value: object) -> Metric:
    return value if isinstance(value, Metric) else Metric(**_values_of(RowSettings.read(value)))


catalogue_row: Final = SettingKind(
    _read_row,
    "section",
    section_of(RowSettings).schema,
    form="section",
    section=RowSettings,
    plain=partial(_plain, RowSettings),
)
"""A row: one that is made already, or a mapping."""


def _values_of(section: Section) -> dict[str, Any]:
    return {name: getattr(section, name) for name in section.fields}
