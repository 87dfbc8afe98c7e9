"""Delivery: what happens to telemetry after the instrumented call returned."""
