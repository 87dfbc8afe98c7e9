"""Exporters: one file a kind of destination, and the table that builds them from settings."""
