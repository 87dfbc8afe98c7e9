"""The three providers of a running manager, whoever made them."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from opentelemetry._logs import LoggerProvider
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from heliograph import names
from heliograph.__about__ import __version__
from heliograph.recording.recorder import Recorder
from heliograph.text import described

logger = logging.getLogger("heliograph")


@dataclass(frozen=True, slots=True, kw_only=True)
class Providers:
    """The three providers of a running manager; a signal that is switched off has one that does nothing."""

    tracer: TracerProvider
    meter: MeterProvider
    logger: LoggerProvider

    def recorder(self) -> Recorder:
        return Recorder(
            tracer=self.tracer.get_tracer(names.SCOPE, __version__),
            meter=self.meter.get_meter(names.SCOPE, __version__),
            logger=self.logger.get_logger(names.SCOPE, __version__),
        )

    def shutdown(self) -> None:
        """Shut down those that can be; nothing is lost by it, since the pipelines were emptied before."""
        for provider in (self.tracer, self.meter, self.logger):
            close = getattr(provider, "shutdown", None)
            try:
                if close is not None:
                    close()
            except Exception as error:  # processors that the application attached may raise anything; the others are closed
                logger.warning("a provider did not shut down: %s", described(error))
