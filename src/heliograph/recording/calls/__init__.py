"""The manager's recording calls: what `telemetry.span(...)`, `telemetry.counter(...)` and their like give, on any recorder."""
