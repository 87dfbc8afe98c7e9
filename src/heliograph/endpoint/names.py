"""Which metrics a request asks for: `?name[]=up&name[]=http_requests_total`.

Called by `answers.py`. Brackets and names may be percent-encoded or not. A parameter without a name asks for nothing, and a
request that asks for nothing gets everything, as with `prometheus_client`.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

_PARAMETER: Final = "name[]"
_LONGEST_QUERY: Final = 65_536  # characters; a thousand names of 60
_MOST_NAMES: Final = 1_000
_INSTEAD: Final = "ask in several requests, or without name[] for everything"


def names_asked(query: str) -> frozenset[str]:
    """The names in a raw query string; empty when there are none. ``ValueError`` says why it cannot be answered."""
    if len(query) > _LONGEST_QUERY:
        raise ValueError(f"a query of {len(query):,} characters, expected at most {_LONGEST_QUERY:,}; {_INSTEAD}")
    names = frozenset(value for key, value in parse_qsl(query, errors="replace") if key == _PARAMETER)
    if len(names) > _MOST_NAMES:
        raise ValueError(f"{len(names):,} names, expected at most {_MOST_NAMES:,}; {_INSTEAD}")
    return names
