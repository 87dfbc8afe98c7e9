"""Settings: what the user wants, validated once, frozen."""

from heliograph.settings.model import TelemetrySettings, differences
from heliograph.settings.presets import PRESETS

__all__ = ["PRESETS", "TelemetrySettings", "differences"]
