"""Calls of language models and of other generative ones.

``gen_ai.*`` are OpenTelemetry's: semantic conventions, "Generative AI client metrics" (development). ``llm.*`` are ours, for
what those have no metric for: money, and what budgets and fall-backs need.
"""

from __future__ import annotations

from typing import Final

from heliograph.catalog.metric import Attribute, Metric, attributes

_MODEL: Final = attributes(
    {
        "gen_ai.operation.name": 10,
        "gen_ai.provider.name": 10,
        "gen_ai.request.model": 50,
        "gen_ai.response.model": 50,
    }
)
_CALL: Final = (*_MODEL, *attributes({"server.address": 20, "server.port": 20, "error.type": 40}))
_TOKENS: Final = (
    *_MODEL,
    *attributes({"server.address": 20, "server.port": 20}),
    Attribute(name="gen_ai.token.type", cardinality=2, description="input or output."),
)
_OURS: Final = (*_MODEL, Attribute(name="stage", cardinality=20, description="Which step of a run made the call."))

ROWS: Final = (
    Metric(
        name="gen_ai.client.operation.duration",
        kind="histogram",
        unit="s",
        description="GenAI operation duration.",
        group="llm",
        attributes=_CALL,
        buckets=(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
    ),
    Metric(
        name="gen_ai.client.token.usage",
        kind="histogram",
        unit="{token}",
        description="Number of input and output tokens used.",
        group="llm",
        attributes=_TOKENS,
        buckets=tuple(4.0**power for power in range(14)),
    ),
    Metric(
        name="llm.cost.usd",
        kind="counter",
        unit="{USD}",
        description="Cost of calls, in US dollars.",
        group="llm",
        attributes=_OURS,
        starts_at_zero=True,
    ),
    Metric(
        name="llm.requests",
        kind="counter",
        unit="{request}",
        description="Calls that ended, well or not.",
        group="llm",
        attributes=(*_OURS, *attributes({"status": 5})),
        starts_at_zero=True,
    ),
    Metric(
        name="llm.errors",
        kind="counter",
        unit="{request}",
        description="Calls that failed.",
        group="llm",
        attributes=(*_OURS, *attributes({"error.type": 40})),
        starts_at_zero=True,
    ),
    Metric(
        name="llm.rate_limited",
        kind="counter",
        unit="{request}",
        description="Calls that the provider refused for being too many.",
        group="llm",
        attributes=_OURS,
        starts_at_zero=True,
    ),
    Metric(
        name="llm.fallbacks",
        kind="counter",
        unit="{request}",
        description="Calls that went to another model than the one wanted.",
        group="llm",
        attributes=(*_OURS, *attributes({"reason": 10})),
        starts_at_zero=True,
    ),
    Metric(
        name="llm.unpriced",
        kind="counter",
        unit="{request}",
        description="Calls of a model whose price is not known, so that the cost is too low.",
        group="llm",
        attributes=_OURS,
        starts_at_zero=True,
    ),
)
