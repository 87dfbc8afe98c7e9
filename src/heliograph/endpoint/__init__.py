"""The HTTP endpoint: /metrics and /health, served by ourselves or mounted into the application."""
