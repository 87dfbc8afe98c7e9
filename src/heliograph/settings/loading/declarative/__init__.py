"""OpenTelemetry's declarative configuration file as settings."""
