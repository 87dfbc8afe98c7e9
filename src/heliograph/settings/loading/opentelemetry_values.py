"""How the values of OpenTelemetry's environment variables are written.

Source: OpenTelemetry specification, "Environment Variable Specification" (types of values; an empty one is none) and
"OpenTelemetry Protocol Exporter". Each function takes text and raises ``ValueError`` with what was expected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import unquote

from heliograph.settings.duration import parse_duration
from heliograph.settings.kinds import number, whole

_MILLISECONDS_FROM: Final = 1000
_number: Final = number(0)
count: Final = whole(0)


def truth(text: str) -> bool:
    """True or false, and no other word for them."""
    if text.lower() not in ("true", "false"):
        raise ValueError("'true' or 'false'")
    return text.lower() == "true"


def milliseconds(text: str) -> timedelta:
    """A number of milliseconds above zero."""
    try:
        return parse_duration(_number(text) / 1000)
    except ValueError:
        raise ValueError("a number of milliseconds above zero") from None


def export_timeout(text: str) -> timedelta:
    """A number of milliseconds as OpenTelemetry specifies it, or of seconds as its Python SDK reads it: nobody waits for
    1,000 seconds, or less than one."""
    try:
        given = _number(text)
        return parse_duration(given / 1000 if given >= _MILLISECONDS_FROM else given)
    except ValueError:
        raise ValueError("a number above zero: of milliseconds from 1000 on, of seconds below") from None


def word(meanings: Mapping[str, Any]) -> Callable[[str], Any]:
    """One of several words, in either case."""
    *some, last = map(repr, meanings)

    def read(text: str) -> Any:
        if text.lower() not in meanings:
            raise ValueError(f"{', '.join(some)} or {last}")
        return meanings[text.lower()]

    return read


def names(text: str) -> list[str]:
    """Names with commas between them, each once."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def pairs(
    text: str, *, is_space_encoded: bool = False, check: Callable[[str, str], object] = lambda _name, _value: None
) -> tuple[dict[str, str], tuple[str, ...]]:
    """``name=value,...``, percent-encoded, and remarks on what is none: without its text, which may be a secret.

    With ``is_space_encoded`` a value that has a space in it was not encoded by who wrote it, and stays as it is. ``check``
    raises ``ValueError`` for a name and value that cannot be used.
    """
    found: dict[str, str] = {}
    remarks: list[str] = []
    for position, entry in enumerate(text.split(","), start=1):
        name, sign, value = (part.strip() for part in entry.partition("="))
        if not entry.strip():
            continue
        if not sign or not name:
            remarks.append(f"entry {position} is left out: no 'name=value'")
            continue
        try:
            is_plain = is_space_encoded and " " in value
            name, value = _decoded(name), value if is_plain else _decoded(value)
            check(name, value)
            found[name] = value
        except ValueError as error:
            remarks.append(f"entry {position} is left out: {error}")
    return found, tuple(remarks)


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("what is percent-encoded there is no UTF-8") from None
