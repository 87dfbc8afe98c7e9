"""Other people's values as text: never raising, never breaking the line that they are put into."""

from __future__ import annotations

from typing import Any


def shown(value: object) -> str:
    """``value`` as text, also when its own ``__str__`` raises."""
    try:
        return str(value)
    except Exception:  # a user's __str__ may raise anything
        return _unshowable(value)


def described(value: object) -> str:
    """``value`` as text; an exception with its type before it."""
    text = shown(value)
    is_named = not isinstance(value, BaseException) or text == _unshowable(value)
    return text if is_named else f"{type(value).__name__}: {text}"


def plain(value: object) -> Any:
    """``value`` where every exporter can carry it, else its text."""
    return value if isinstance(value, (str, bool, int, float, bytes)) else shown(value)


def printable(text: str) -> str:
    """``text`` on one line: line feeds, escape sequences and bidi marks are written out as escapes."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def _unshowable(value: object) -> str:
    return f"<{type(value).__name__} that cannot be shown>"
