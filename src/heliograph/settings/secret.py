"""Texts that are not shown: a credential, for the headers of exporters (read by `exporters/build.py`), that in a URL, and what
is one by its name."""

from __future__ import annotations

import re
from typing import Final

REDACTED: Final = "[REDACTED]"
"""Stands in a text for what is not shown of it."""

HIDDEN: Final = "**********"
"""Stands for a secret."""
# Compiled when first used, as few processes show settings. A password may have any sign in it, and a URL no scheme.
_URL_CREDENTIALS: Final = r"//([^\s/@]*:.*|[^\s/]*)@"
_OTHER_CREDENTIALS: Final = r"^[^\s/@]+:.*@"
_PARAMETER: Final = r"([\w.~-]+)=([^&#,]+)"
_WORD: Final = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+"
_SECRET_WORDS: Final = frozenset(
    {
        *(
            "apikey",
            "auth",
            "authorization",
            "bearer",
            "credential",
            "credentials",
            "key",
            "pass",
            "passphrase",
            "passwd",
            "password",
        ),
        *("pw", "pwd", "secret", "sig", "signature", "token"),
    }
)


def is_secret_name(name: str) -> bool:
    """Whether what is called ``name`` is a secret, by a word of it; that of a file, such as ``key_file``, is none."""
    words = [word.lower() for word in re.findall(_WORD, name)]
    return not _SECRET_WORDS.isdisjoint(words) and words[-1] != "file"


def without_credentials(text: str) -> str:
    """``text`` without what stands before the host of a URL in it, and without what is a secret by the name before it."""
    if "//" in text:
        text = re.sub(_URL_CREDENTIALS, f"//{REDACTED}@", text)
    elif "@" in text:
        text = re.sub(_OTHER_CREDENTIALS, f"{REDACTED}@", text)
    return re.sub(_PARAMETER, _parameter, text) if "=" in text else text


def _parameter(found: re.Match[str]) -> str:
    return f"{found[1]}={REDACTED}" if is_secret_name(found[1]) else found[0]


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
