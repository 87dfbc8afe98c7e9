"""How an answer is compressed: the codings that there are, and the one that a request prefers.

Called by `answers.py`. Thread-safe: each answer is compressed on its own.

Source: RFC 9110, sections 8.4.1 and 12.5.3; RFC 8878 and RFC 9659 for zstd.
"""

from __future__ import annotations

import functools
import gzip
import sys
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

Compress: TypeAlias = Callable[[bytes], bytes]

_IDENTITY: Final = "identity"
_ANY: Final = "*"
_SAME: Final[Mapping[str, str]] = {"x-gzip": "gzip"}  # RFC 9110, section 8.4.1.3

# Of the cheap levels the one that costs least for its size. 8 MB of exposition, CPU and size: zstd 1: 7 ms, 578 kB (level 3:
# 9 ms, 574 kB; level 5: 31 ms, 552 kB); gzip 1: 20 ms, 682 kB (level 5: 41 ms, 529 kB; level 6: 67 ms, 507 kB). The window of
# zstd 1 is 512 kB, of the 8 MB that every client must take (RFC 9659).
_ZSTD_LEVEL: Final = 1
_GZIP_LEVEL: Final = 1


class Encoding(NamedTuple):
    """A coding. ``load`` gives what compresses, or None where it is not installed; ``is_common`` says whether who accepts
    anything (``*``) can be trusted to read it."""

    name: str
    load: Callable[[], Compress | None]
    is_common: bool


@functools.cache
def _zstd() -> Compress | None:
    if sys.version_info >= (3, 14):
        try:
            from compression import zstd  # noqa: PLC0415
        except ImportError:  # a Python that was built without it
            return _zstandard()
        return functools.partial(zstd.compress, level=_ZSTD_LEVEL)
    return _zstandard()


def _zstandard() -> Compress | None:
    try:
        import zstandard  # noqa: PLC0415
    except ImportError:  # the extra `zstd` is not installed: gzip does
        return None
    # A compressor is for one thread at a time, and made in microseconds.
    return lambda body: zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(body)


def _gzip() -> Compress:
    return lambda body: gzip.compress(body, compresslevel=_GZIP_LEVEL, mtime=0)


# The first of those that a client likes equally: zstd takes a third of gzip's CPU and gives less to send (above).
ENCODINGS: Final = (Encoding("zstd", _zstd, is_common=False), Encoding("gzip", _gzip, is_common=True))


class Chosen(NamedTuple):
    """A coding that a request accepts, and what compresses to it."""

    name: str
    compress: Compress


def chosen(accept_encoding: str) -> Chosen | None:
    """The coding that an ``Accept-Encoding`` header prefers; None is for the answer as it is.

    Uncompressed is what is left, too, when nothing that there is, not even that, is acceptable: a scraper that can read
    the answer is better served than by 406.
    """
    weights = _weights(accept_encoding)
    anything = weights.get(_ANY, 0.0)
    liked = {encoding: weights.get(encoding.name, anything if encoding.is_common else 0.0) for encoding in ENCODINGS}
    least = weights.get(_IDENTITY, 0.0)  # not to compress is the last choice of a client that does not name it
    for encoding in sorted(ENCODINGS, key=liked.__getitem__, reverse=True):
        if liked[encoding] > 0 and liked[encoding] >= least and (compress := encoding.load()) is not None:
            return Chosen(encoding.name, compress)
    return None


def is_identity_refused(accept_encoding: str) -> bool:
    """Whether an answer that is not compressed is not acceptable, so that even a short one is to be compressed."""
    weights = _weights(accept_encoding)
    return weights.get(_IDENTITY, weights.get(_ANY, 1.0)) <= 0


@functools.lru_cache(maxsize=64)  # scrapers say the same at each scrape
def _weights(accept_encoding: str) -> Mapping[str, float]:
    """The weight of each coding named, 0 for one that is forbidden or has no valid weight."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        coding, _, parameters = part.partition(";")
        name, _, value = parameters.partition("=")
        named = coding.strip()
        weights[_SAME.get(named, named)] = _weight(value) if name.strip() == "q" else 1.0
    return weights


def _weight(value: str) -> float:
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0
