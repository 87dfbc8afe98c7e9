"""A text that shows itself only when it is asked to, for the headers of exporters. Read by `exporters/build.py`."""

from __future__ import annotations

from typing import Final

_HIDDEN: Final = "**********"


class Secret:
    """A text such as a credential: in no ``repr``, no ``str`` and so in no log. Two are equal when their texts are."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({str(self)!r})"

    def __str__(self) -> str:
        return _HIDDEN if self._text else ""

    def __len__(self) -> int:
        return len(self._text)

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)
