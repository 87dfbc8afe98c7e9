"""What is wrong in given settings, in the user's terms: path, value given, what was expected.

The kinds (`kinds.py`) and sections (`section.py`) raise a :class:`MismatchError` with everything that they found, in terms of
places and values; a section that was constructed turns it into one :class:`~heliograph.errors.SettingsError`. What a fault
shows of a value is decided here, since settings hold credentials.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Mapping
from typing import Final

from heliograph.errors import SettingsFault
from heliograph.settings.secret import REDACTED, is_secret_name, without_credentials

_HEADER_NAME: Final = r"[\w.-]{1,64}"

NOTHING: Final = object()
"""Stands for the value that was not given."""


class Found:
    """One value that does not fit: ``place`` is the names and list positions that lead to it from where it was found. One that
    ``is_secret`` is not shown."""

    __slots__ = ("expected", "is_secret", "place", "value")

    def __init__(self, place: tuple[str | int, ...], value: object, expected: str, *, is_secret: bool = False) -> None:
        self.place = place
        self.value = value
        self.expected = expected
        self.is_secret = is_secret


class MismatchError(ValueError):
    """A value does not fit, for all the reasons in ``found``. A plain ``ValueError`` says one, as what was expected."""

    def __init__(self, found: Iterable[Found]) -> None:
        self.found = tuple(found)
        super().__init__("; ".join(each.expected for each in self.found))


def found_below(part: str | int, error: ValueError, value: object) -> list[Found]:
    """What ``error`` says of ``value``, which is at ``part`` of something larger."""
    if not isinstance(error, MismatchError):
        return [Found((part,), value, str(error))]
    return [Found((part, *each.place), each.value, each.expected, is_secret=each.is_secret) for each in error.found]


def settings_faults(mismatch: MismatchError) -> list[SettingsFault]:
    """Each thing that was found, once, in words that show no secret."""
    return list(dict.fromkeys(map(_fault, mismatch.found)))


def name_of(key: object) -> str:
    """The key of a mapping as part of a path; one that is no readable text as its ``repr``."""
    return str.__str__(key) if isinstance(key, str) and key.isprintable() else reprlib.repr(key)


def shown_at(place: tuple[str | int, ...], value: object) -> str:
    """What a fault shows of ``value``, which was given at ``place``."""
    if any(_is_secret(str(part)) for part in place):
        return REDACTED
    return reprlib.repr(_redacted(value))


def _fault(found: Found) -> SettingsFault:
    given = "nothing" if found.value is NOTHING else REDACTED if found.is_secret else shown_at(found.place, found.value)
    return SettingsFault(path=path_of(found.place), given=given, expected=found.expected)


def _is_secret(name: str) -> bool:
    return "header" in name.lower() or is_secret_name(name)  # headers carry credentials


def _redacted(value: object) -> object:
    if isinstance(value, Mapping):
        return {k: REDACTED if _is_secret(str(k)) else _redacted(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(item) for item in value]
    if isinstance(value, str) and "-----BEGIN" in value:  # a key where the path of its file belongs
        return REDACTED
    return without_credentials(value) if isinstance(value, str) else value


def path_of(place: tuple[str | int, ...]) -> str:
    """``place`` as people read it: dotted, list positions in brackets."""
    path = ""
    for above, part in zip((None, *place), place, strict=False):
        if isinstance(part, int):
            path += f"[{part}]"
        elif above == "headers" and not re.fullmatch(_HEADER_NAME, part):
            path += f".{REDACTED}"  # no name, but perhaps a name and its value in one
        else:
            path += f".{part}" if path else part
    return path or "settings"
