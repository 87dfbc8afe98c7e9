"""A catalogue as a page in Markdown: of heliograph's own that is ``docs/metrics.md``. Called by the command
``heliograph metrics list``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from heliograph.catalog.catalogue import Catalogue
from heliograph.catalog.listing import by_group
from heliograph.catalog.metric import Across, LegacyName, Metric

_INTRODUCTION: Final = """\
# Metrics

Every metric that heliograph records, and those that it knows when an application or an instrumentation package records
them. `heliograph metrics list --markdown` makes this page; with `--file settings.json` it has your own metrics as well.

Whoever makes an instrument under one of these names, with `telemetry.counter("cache.hits")`,
`telemetry.increment_counter` or OpenTelemetry's own API, need not say unit, description and buckets: they are those below.
What is said wins. Another unit than that below stays, and is logged once; for another kind of instrument the row does not
count, which is logged once too.

A metric has two names in Prometheus: the one that `/metrics` shows, and the one that Prometheus makes when it receives
OTLP. They differ for gauges with the unit `1`, which get `_ratio` on the second way.

## Your own metrics

```python
from heliograph import TelemetrySettings

settings = TelemetrySettings(
    service_name="shop",
    metrics={
        "catalogue": [
            {
                "name": "basket.value",
                "kind": "histogram",
                "unit": "{EUR}",
                "description": "What a basket is worth at the till.",
                "attributes": {"country": 30, "payment.method": 5},
                "buckets": [1, 10, 50, 100, 500],
            },
        ]
    },
)
print(settings.metrics.full_catalogue.get("basket.value").pull_name)
```

`attributes` are those that the metric may have, each with how many values of it you expect; a list of names will do, and
without `attributes` any are allowed. A row of the same name, kind and unit as one below takes its place: so you declare
attributes of your own for it. Other fields are `group`, `stability`, `starts_at_zero` (a counter without attributes,
`"attributes": []`, is there as 0 before anything happened), `across` (how the values of several processes become one:
{across}) and `legacy` (older names:
`name` and, where needed, `factor`, `where`, `without`, `kind`).

A series that begins with an attribute that its row does not declare is recorded as it is. It is counted in
`heliograph.metrics.undeclared_attributes`, by `metric`, and each such attribute is logged once. With the recorder
`opentelemetry-sdk` units, descriptions and buckets come from the catalogue too, but attributes are not looked at.
"""
_LEGACY: Final = """\
## Older names

With `metrics.legacy_names` these are on `/metrics` as well, with the same values, so that rules and dashboards written for
them go on to work. Other older names, such as `api_requests_total`, are what `/metrics` shows in any case.
"""
_TITLES: Final[Mapping[str, str]] = {
    "http": "HTTP",
    "api": "API",
    "llm": "Language models",
    "media": "Media pipeline",
    "queue": "Queues",
    "worker": "Workers",
    "system": "System and container",
    "telemetry": "Telemetry itself",
}
_ACROSS: Final[Mapping[Across, str]] = {
    "sum": "added up",
    "max": "the greatest",
    "min": "the least",
    "latest": "the latest",
    "per_process": "each with a `pid`",
}


def as_markdown(catalogue: Catalogue) -> str:
    """The whole page."""
    introduction = _INTRODUCTION.replace("{across}", ", ".join(f"`{word}`" for word in _ACROSS))
    groups = by_group(catalogue).items()
    return "\n".join([introduction, *(part for group, rows in groups for part in _section(group, rows)), *_legacy(catalogue)])


def _section(group: str, rows: Sequence[Metric]) -> Iterator[str]:
    yield f"## {_TITLES.get(group, group.capitalize())}\n"
    yield _table(
        ("Name", "Kind", "Unit", "On `/metrics`", "By OTLP", "Attributes", "Processes", "Description"),
        (
            (
                f"`{row.name}`",
                row.kind.replace("_", "-"),
                _code(row.unit),
                f"`{row.pull_name}`",
                "the same" if row.otlp_name == row.pull_name else f"`{row.otlp_name}`",
                _attributes(row),
                _ACROSS[row.combined],
                row.description,
            )
            for row in rows
        ),
    )


def _attributes(row: Metric) -> str:
    if row.attributes is None:
        return "any"
    return ", ".join(f"`{attribute.name}`" for attribute in row.attributes)


def _legacy(catalogue: Catalogue) -> Iterator[str]:
    older = [(legacy, row) for row in catalogue for legacy in row.legacy]
    if older:
        yield _LEGACY
        lines = ((f"`{legacy.name}`", f"`{row.name}`", _made_of(legacy)) for legacy, row in older)
        yield _table(("Older name", "Is", "Made by"), lines)


def _made_of(legacy: LegacyName) -> str:
    said = [f"`{key}` is {' or '.join(map(_code, values))}" for key, values in legacy.where.items()]
    said += [f"added up over {', '.join(map(_code, legacy.without))}"] if legacy.without else []
    said += [f"times {legacy.factor:g}"] if legacy.factor != 1 else []
    return "; ".join(said)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (headings, ["---"] * len(headings), *([cell.replace("|", r"\|") for cell in row] for row in rows))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""
