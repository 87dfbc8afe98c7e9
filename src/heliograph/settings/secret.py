"""Texts that are not shown: a credential, for the headers of exporters (read by `exporters/build.py`), and that in a URL."""

from __future__ import annotations

import re
from typing import Final

REDACTED: Final = "[REDACTED]"
"""Stands in a text for what is not shown of it."""

HIDDEN: Final = "**********"
"""Stands for a secret."""
_URL_CREDENTIALS: Final = r"//[^/\s]*@"  # compiled when first used, as few processes show settings


def without_credentials(text: str) -> str:
    """``text`` without what stands before the host of a URL in it."""
    return re.sub(_URL_CREDENTIALS, f"//{REDACTED}@", text)


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
        return HIDDEN if self._text else ""

    def __len__(self) -> int:
        return len(self._text)

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)
