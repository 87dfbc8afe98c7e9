"""Makes heliograph's own log heard when the settings ask for it (``tracing.debug_mode``, ``tracing.log_spans``).

An application that has set up logging decides itself where its records go and which of them. For one that has not, they go to
standard error meanwhile. Opened and closed by the assembly.
"""

from __future__ import annotations

import logging
import sys
from typing import Final, TextIO

_ROOT: Final = "heliograph"
_SPANS: Final = "heliograph.spans"
_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class OwnLog:
    """With ``debug`` everything that heliograph says, with ``spans`` those that ``log_spans`` logs, is heard between
    :meth:`open` and :meth:`close`. Used by one thread."""

    def __init__(self, *, debug: bool, spans: bool) -> None:
        wanted = ((_ROOT, logging.DEBUG, debug), (_SPANS, logging.INFO, spans))
        self._levels = {name: level for name, level, is_wanted in wanted if is_wanted}
        self._before: dict[str, int] = {}
        self._handler: _LastHandler | None = None

    def open(self) -> None:
        """Have them heard from now on."""
        for name, level in self._levels.items():
            logger = logging.getLogger(name)
            if logger.getEffectiveLevel() > level:
                self._before[name] = logger.level
                logger.setLevel(level)
        if self._levels:
            self._handler = _LastHandler()
            logging.getLogger(_ROOT).addHandler(self._handler)

    def close(self) -> None:
        """Leave everything as it was."""
        for name, level in self._before.items():
            logging.getLogger(name).setLevel(level)
        self._before.clear()
        if self._handler is not None:
            logging.getLogger(_ROOT).removeHandler(self._handler)
            self._handler = None


class _LastHandler(logging.StreamHandler[TextIO]):
    """Writes to standard error, as it is at the moment, what no handler of the application's hears."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(logging.Formatter(_FORMAT))

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # looked up anew each time, so that a redirected one is honoured
        return sys.stderr

    def emit(self, record: logging.LogRecord) -> None:
        ours = logging.getLogger(_ROOT)
        theirs = [handler for handler in ours.handlers if not isinstance(handler, _LastHandler | logging.NullHandler)]
        if not theirs and not (ours.propagate and logging.getLogger().handlers):
            super().emit(record)
